"""Label sets that a rescue has saved."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SavedLabelSet:
    """A label set, with the head that its row names."""

    id: int
    image: int
    name: str
    head: int | None
    cells: int = 0
    highest: int = 0
    sha256: bytes = b""
