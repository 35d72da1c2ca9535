"""Revisions and journal entries of label sets, as stored in a project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from cellpose_studio.core.provenance.classes.assigned import Assigned, ClassChanges
from cellpose_studio.core.runs.parameters import SegmentationParameters

CellStatus = Literal["accepted", "rejected", "later"]
"""The user's decision about a cell."""

StatusChanges = dict[int, tuple[CellStatus | None, CellStatus | None]]
"""Status of each cell before and after; None for no status."""

MotherChanges = dict[int, tuple[int | None, int | None]]
"""Mother of each daughter before and after; None for no mother."""


@dataclass(frozen=True, kw_only=True)
class CellChanges:
    """Changes of what is known of cells, by id; false if there are none.

    Attributes
    ----------
    statuses, mothers, classes
        Each before and after.
    """

    statuses: StatusChanges = field(default_factory=dict)
    mothers: MotherChanges = field(default_factory=dict)
    classes: ClassChanges = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether anything changes."""
        return bool(self.statuses or self.mothers or self.classes)

    @property
    def cells(self) -> tuple[int, ...]:
        """Ids of the cells that change."""
        return tuple({**self.statuses, **self.mothers, **self.classes})

    def inverse(self) -> CellChanges:
        """Return what takes these changes back."""
        return CellChanges(
            statuses={cell: (b, a) for cell, (a, b) in self.statuses.items()},
            mothers={cell: (b, a) for cell, (a, b) in self.mothers.items()},
            classes={cell: (b, a) for cell, (a, b) in self.classes.items()},
        )


@dataclass(frozen=True, kw_only=True)
class CellKnowledge:
    """What is known of the cells of a label set, by id; false if that is nothing.

    Attributes
    ----------
    statuses, mothers, classes
        Of the cells that have one.
    """

    statuses: Mapping[int, CellStatus] = field(default_factory=dict)
    mothers: Mapping[int, int] = field(default_factory=dict)
    classes: Mapping[int, Assigned] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether anything is known."""
        return bool(self.statuses or self.mothers or self.classes)


RevisionKind = Literal["run", "threshold", "edit", "import", "restore", "operation"]

KIND_WORDS: dict[RevisionKind, str] = {
    "run": "Run",
    "threshold": "Thresholds",
    "edit": "Edited",
    "import": "Imported",
    "restore": "Restored",
    "operation": "Changed",
}
"""Names of the kinds in the user interface."""


FLOW_KEY = "flows"
"""Key in ``details`` of the cache key of an import's flows."""

LOCKED_KEY = "locked"
"""Key in ``details`` of the ids of cells that were made by hand."""

KEPT_KEY = "kept"
"""Key in ``details`` of the number of cells that new masks kept of those before: those
made by hand, and those that were accepted."""

DELETED_KEY = "deleted"
"""Key in ``details`` of the ids of cells that were deleted by hand and left out of new
masks, by the id of the revision that has them."""


IN_REGION_KEY = "kept_in_region"
"""Key in ``details`` of the ids of cells in its region that a run there has kept."""


@dataclass(frozen=True, kw_only=True)
class LabelRevision:
    """An immutable label image of a label set; its pixels are read separately.

    Attributes
    ----------
    id
        Unique in the project; later ones are higher.
    label_set
        Id of the label set.
    parent
        Id of the revision that it follows; None for the first.
    kind
        How it was made.
    created
        When, UTC.
    origin
        Description of its origin, for the user.
    shape
        YX, ZYX, TYX or TZYX, without axes of length 1.
    cells
        Number of cells.
    run
        Id of the run that made its pixels; None if no run did.
    parameters
        Parameters that its masks were made with; None if unknown.
    details
        Metadata of an imported file, and the cache key of its flows; plain values.
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
        """Cache key of the flows of the import that it is based on."""
        if self.kind == "import":
            return self.created.isoformat()
        key = self.details.get(FLOW_KEY)
        return key if isinstance(key, str) else None

    @property
    def kept_cells(self) -> int:
        """Number of cells that it kept of the masks before it."""
        return int(self.details.get(KEPT_KEY, len(self.details.get(LOCKED_KEY, ()))))

    @property
    def left_out_cells(self) -> int:
        """Number of cells of earlier masks that it left out, as they were deleted."""
        deleted: dict[str, list[int]] = self.details.get(DELETED_KEY, {})
        return sum(len(cells) for cells in deleted.values())


@dataclass(frozen=True, kw_only=True)
class JournalEntry:
    """One change of a label set, in the order in which they happened.

    Attributes
    ----------
    id
        Unique in the project, ascending.
    base
        Revision that the change was made on; None before the first masks.
    operation
        Name of the operation in the menu: "Delete cell".
    cells
        Ids of the cells that it was applied to; empty for all.
    time
        When, UTC.
    undoes
        Id of the entry that this one undoes or redoes.
    head
        Revision that it made the head; None for an edit of pixels.
    sealed
        Revision that contains the edit; None while it is in the journal only.
    changes
        What changed of cells besides pixels; None if nothing did.
    pixels
        Whether pixels were changed.
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
    changes: CellChanges | None = None
    pixels: bool = False

    @property
    def of_cells(self) -> bool:
        """Whether something changed of cells, but no pixels."""
        # Masks that are switched may change cells, too, but name none.
        changed = self.changes is not None and bool(self.cells)
        return changed and self.head is None and not self.pixels

    @property
    def of_masks(self) -> bool:
        """Whether masks as a whole took the place of others, or were deleted."""
        return not self.pixels and not self.of_cells
