"""The images of a training set, read one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cellpose_studio.core.models.training import TrainingImage

Role = Literal["train", "validation"]


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingPair:
    """An image with its true masks, whose pixels are read when they are needed.

    Attributes
    ----------
    name
        For messages and the model's card; no other pair of the set has it.
    identity
        Hash of what `read` returns, known without reading it: of the file, the
        revision, the crop and what is left out.
    cells
        Number of cells that are trained on.
    source
        What the card says of it: the image's name, its revision, its crop.
    read
        Returns pixels, labels and what is ignored; may be called in any thread.
        Raises `ImageUnreadable`, `MasksUnreadable`.
    """

    name: str
    role: Role
    identity: str
    cells: int
    source: str
    read: Callable[[], TrainingImage]
