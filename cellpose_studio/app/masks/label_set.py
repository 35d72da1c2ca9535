"""Masks of one kind on one image, as they are at present."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from cellpose_studio.core.display.label_marks import DrawnLabels, draw_ahead, marks_of
from cellpose_studio.core.images.levels import PlaneLimits
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import ChunkIndex, Labels
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.core.matching.region_merge import RegionCounts
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.provenance.hand_edits import HandEdits
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import (
    IN_REGION_KEY,
    KEPT_KEY,
    LabelRevision,
)
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.segmentation import MaskMaker

RUN_RESULT = "cells"
"""Name of the label set that runs write to."""


_MOST_AHEAD = PlaneLimits().pixels
"""Most pixels of masks that are drawn ahead: of larger ones, what is in view is."""

_QUICKLY_DRAWN = 1 << 24
"""Pixels of masks that the canvas draws before anybody notices."""

_CHECKED = bool(os.environ.get("CELLPOSE_STUDIO_DEBUG"))
"""Whether pixels that can be edited may only be read in the GUI thread."""


class LabelImage:
    """A label image that is read from the project when it is first needed.

    Once it is live, it can be edited at any time, and belongs to the GUI thread: other
    threads read snapshots. Only `load` and `snapshot` are for any thread.

    Parameters
    ----------
    array
        uint32, C-contiguous; None if it has to be read.
    load
        Reads it, with the chunks that edits have changed; from any thread.
    highest
        The highest id that cells of its label set have ever had, if known.
    """

    def __init__(
        self,
        array: Labels | None = None,
        load: Callable[[], tuple[Labels, set[ChunkIndex]]] | None = None,
        highest: int = 0,
    ) -> None:
        self._array = array
        self._load = load
        self._highest = highest
        self._table: CellTable | None = None
        self._drawn: DrawnLabels | None = None
        self._lock = threading.Lock()
        self._snapshots: weakref.WeakSet[Snapshot] = weakref.WeakSet()
        self._live = False
        self.changed: set[ChunkIndex] = set()
        """Chunks that differ from those of the revision."""
        self.edits = 0
        """How many have changed the pixels."""

    @property
    def highest(self) -> int:
        """The highest id that cells are known to have, or to have had."""
        table = self._table
        return self._highest if table is None else table.highest

    def reserve(self, cell: int) -> None:
        """Give no id up to ``cell`` to new cells."""
        with self._lock:
            self._highest = max(self._highest, cell)
            if self._table is not None:
                self._table.reserve(cell)

    @property
    def loaded(self) -> bool:
        """It is in memory."""
        return self._array is not None

    def go_live(self) -> None:
        """Take part in a label set, whose pixels can be edited."""
        self._live = True

    def load(self) -> None:
        """Read the pixels and tabulate the cells; for any thread.

        Raises
        ------
        ProjectDamaged
        """
        with self._lock:
            array = self._read()
            if self._table is None:
                self._table = CellTable.of(array, self._highest)

    def array(self) -> Labels:
        """Return the pixels; raises `ProjectDamaged` if they cannot be read."""
        self._check_thread()
        with self._lock:
            return self._read()

    def cell_table(self) -> CellTable:
        """Return how large each cell is and where it lies."""
        self._check_thread()
        self.load()
        assert self._table is not None
        return self._table

    def snapshot(self) -> Snapshot:
        """Return the pixels as they are now, to be read while they are edited.

        For any thread. As long as it is held by anybody, edits copy what they change.
        """
        with self._lock:
            taken = Snapshot(self._read())
            self._snapshots.add(taken)
        return taken

    def draw_ahead(self, statuses: Mapping[int, str]) -> None:
        """Draw the pixels, if they are those of one plane; for any thread.

        Parameters
        ----------
        statuses
            Of the cells, as they will be when the canvas shows the masks.
        """
        array, edits = self._array, self.edits
        if array is None or array.ndim > 2 or array.size > _MOST_AHEAD:
            return
        drawn = draw_ahead(array, marks_of(statuses))
        with self._lock:
            # A stroke may have changed the pixels meanwhile.
            if self.edits == edits:
                self._drawn = drawn

    @property
    def is_slow_to_draw(self) -> bool:
        """The canvas would draw all of it, which takes a moment; from any thread."""
        array = self._array
        return (
            array is not None
            and array.ndim == 2
            and _QUICKLY_DRAWN < array.size <= _MOST_AHEAD
            and self._drawn is None
        )

    def take_drawn(self) -> DrawnLabels | None:
        """Return the picture of the pixels as they are, once; None if there is none."""
        drawn, self._drawn = self._drawn, None
        return drawn

    def apply(self, edit: LabelEdit) -> None:
        """Change the pixels in place, and what is known of the cells."""
        table, array = self.cell_table(), self.array()
        # Another thread must take no snapshot of pixels that are half changed.
        with self._lock:
            for snapshot in list(self._snapshots):
                snapshot.keep(edit.chunk_indices)
            edit.apply(array)
            self._drawn = None
            table.change(edit, array)
            self.changed |= edit.chunk_indices
            self.edits += 1

    def _read(self) -> Labels:
        """Return the pixels, read if they are not in memory; needs the lock."""
        if self._array is None:
            assert self._load is not None
            self._array, self.changed = self._load()
        return self._array

    def _check_thread(self) -> None:
        is_main = threading.current_thread() is threading.main_thread()
        if _CHECKED and self._live and not is_main:
            raise RuntimeError("Live masks were used outside of the GUI thread.")


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelSet:
    """Masks of one kind on one image, as they are at present.

    Attributes
    ----------
    name
        The user's: "cells".
    pixels
        uint32, of the image's ``label_shape``; only edits write to it.
    origin
        Where they come from, for the user.
    cells
        How many there are.
    flows
        What the network gave; None where that is not known.
    maker
        Makes masks for other thresholds; None without flows.
    parameters
        What they were made with; for imported ones only what the file says.
    confidence
        How sure the network is of each cell; None where that is not known.
    model
        The model of the run, where it is at hand.
    record, run
        How they came to be, and its id in the project; None for imported ones.
    revision
        What the project has of them; None before it has them.
    edited
        The journal has entries after the revision.
    kept
        What was made by hand of earlier masks, and is in these as well.
    kept_cells
        How many cells of earlier masks a run or thresholds have kept in these: also
        accepted ones, which nobody has made.
    touched
        By journal entry the cells of each edit by hand that is in force, since these
        masks were made; None where they were not read yet.
    left_out
        The edit that brings cells back which are left out where cells were deleted;
        None if there are none.
    in_region
        How many cells a run in a region changed; None if it was not one.
    """

    name: str
    pixels: LabelImage
    origin: str
    cells: int
    flows: Flows | None = None
    maker: MaskMaker | None = None
    parameters: SegmentationParameters = field(default=SegmentationParameters())
    confidence: Confidence | None = None
    model: ModelSpec | None = None
    record: RunRecord | None = None
    run: int | None = None
    revision: LabelRevision | None = None
    edited: bool = False
    kept: HandEdits = field(default=HandEdits())
    kept_cells: int = 0
    touched: Mapping[int, frozenset[int] | None] = field(default_factory=dict)
    left_out: LabelEdit | None = None
    in_region: RegionCounts | None = None

    @property
    def array(self) -> Labels:
        """The pixels; read from the project if they are not in memory."""
        return self.pixels.array()

    @cached_property
    def hand_edits(self) -> HandEdits:
        """What was made by hand, as far as it is known without reading pixels."""
        known = self.kept
        touched = frozenset().union(*filter(None, self.touched.values()))
        return replace(known, edited=known.edited | (touched - known.drawn))

    @property
    def by_hand(self) -> bool:
        """Whether anything was made by hand, and is in force."""
        return bool(self.touched or self.hand_edits)

    def kept_details(self) -> dict[str, object]:
        """Return what a revision of these masks says of earlier ones."""
        found: dict[str, object] = {**self.kept.details()}
        if self.kept_cells:
            found[KEPT_KEY] = self.kept_cells
        if self.in_region is not None and self.in_region.kept:
            found[IN_REGION_KEY] = list(self.in_region.kept)
        return found

    @property
    def diameter(self) -> float | None:
        """Diameter that the run used, px; None where it is not known."""
        if self.flows is not None:
            return self.flows.diameter
        return self.record.parameters.diameter if self.record else None

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        size = self.pixels.array().nbytes if self.pixels.loaded else 0
        if self.flows is not None:
            size += self.flows.dP.nbytes + self.flows.cellprob.nbytes
        return size

    def settings(self) -> dict[str, object]:
        """Return what files of Cellpose's formats say about how they were made."""
        if self.record is None:
            return self.parameters.model_dump(include={"flow_threshold", "min_size"})
        return {
            **self.parameters.model_dump(exclude={"normalization"}),
            "normalize_params": self.parameters.normalization.model_dump(),
            "model_path": self.record.model.path,
            "diameter": self.diameter,
        }
