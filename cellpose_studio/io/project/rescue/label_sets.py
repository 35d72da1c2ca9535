"""Label sets that were rescued."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class SavedLabelSet:
    """A label set, with the head that its row names."""

    id: int
    image: int
    name: str
    head: int | None
    cells: int = 0
    highest: int = 0
    sha256: bytes = b""


def saved_label_set(row: tuple[Any, ...]) -> SavedLabelSet:
    """Return the label set of a row; its columns hold what the schema says."""
    number, image, name, head, cells, highest, sha256 = row
    return SavedLabelSet(
        id=number,
        image=image,
        name=name,
        head=head,
        cells=cells,
        highest=highest,
        sha256=sha256,
    )
