"""Revisions of label sets, as a project keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from cellpose_studio.core.runs.parameters import SegmentationParameters

CellStatus = Literal["accepted", "rejected", "later"]
"""What the user has decided about a cell."""

StatusChanges = dict[int, tuple[CellStatus | None, CellStatus | None]]
"""By cell, the status before and after; None where it has none."""

RevisionKind = Literal["run", "threshold", "edit", "import", "restore"]

KIND_WORDS: dict[RevisionKind, str] = {
    "run": "Run",
    "threshold": "Thresholds",
    "edit": "Edited",
    "import": "Imported",
    "restore": "Restored",
}
"""What the user sees."""


FLOW_KEY = "flows"
"""Of the details: what the flows of an import are called in the cache."""


@dataclass(frozen=True, kw_only=True)
class LabelRevision:
    """An immutable label image of a label set; its pixels are read on their own.

    Attributes
    ----------
    id
        Unique in the project; later ones are higher.
    label_set
        Id of the label set.
    parent
        Id of the revision that it came after; None for the first.
    kind
        How it came to be.
    created
        When, UTC.
    origin
        Where it comes from, for the user.
    shape
        YX, ZYX, TYX or TZYX, without axes of length 1.
    cells
        How many cells it has.
    run
        Id of the run that its pixels come from; None without one.
    parameters
        What its masks were made with; None where that is not known.
    details
        What an imported file says about them, and where its flows are; plain values.
    author, note
        The user's.
    """

    id: int
    label_set: int
    parent: int | None
    kind: RevisionKind
    created: datetime
    origin: str
    shape: tuple[int, ...]
    cells: int
    run: int | None = None
    parameters: SegmentationParameters | None = None
    details: dict[str, Any] = field(default_factory=dict)
    author: str = ""
    note: str = ""

    @property
    def flow_key(self) -> str | None:
        """What the flows of the import that it goes back to are called in the cache."""
        if self.kind == "import":
            return self.created.isoformat()
        key = self.details.get(FLOW_KEY)
        return key if isinstance(key, str) else None


@dataclass(frozen=True, kw_only=True)
class JournalEntry:
    """One change of a label set, in the order in which they happened.

    Attributes
    ----------
    id
        Unique in the project, ascending.
    base
        Revision that the label set was at; None before its first masks.
    operation
        What was done, as the menu names it: "Delete cell".
    cells
        Ids of the cells that it was done to; empty for all.
    time
        When, UTC.
    undoes
        Id of the entry that this one takes back or does again.
    head
        Revision that became the head by it; None for an edit of pixels.
    sealed
        Revision that the edit went into; None as long as it is in the journal only.
    statuses
        What became of the status of cells; None where it stayed.
    pixels
        Pixels were changed.
    """

    id: int
    label_set: int
    base: int | None
    operation: str
    cells: tuple[int, ...]
    time: datetime
    undoes: int | None = None
    head: int | None = None
    sealed: int | None = None
    statuses: StatusChanges | None = None
    pixels: bool = False

    @property
    def of_statuses(self) -> bool:
        """Nothing but the status of cells changed."""
        return self.statuses is not None and self.head is None and not self.pixels
