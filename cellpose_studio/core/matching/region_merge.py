"""Merges the cells of a run in a region into the masks of the whole image."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from cellpose_studio.core.edits.changes import box_around
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import EmptyLabels, Labels, copied, in_memory
from cellpose_studio.core.masks.map_ids import only
from cellpose_studio.core.matching.links import carry_over_ids, keep_locked
from cellpose_studio.core.runs.region import Region
from cellpose_studio.core.wording import cell_count


@dataclass(frozen=True)
class RegionCounts:
    """How many cells a run in a region found and replaced, and which it kept there."""

    found: int
    replaced: int = 0
    kept: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """The numbers, for the user."""
        found = cell_count(self.found)
        return f"{found} found, {self.replaced} replaced, {len(self.kept)} kept"


@dataclass(frozen=True, eq=False, kw_only=True)
class RegionMerge:
    """Masks with the cells of a run in a region.

    Attributes
    ----------
    labels
        A new array.
    found
        Ids of the cells of the run.
    replaced
        Ids of the cells before, of which those may have some.
    kept
        Ids of the cells that lie in the region and were not replaced.
    """

    labels: Labels
    found: frozenset[int]
    replaced: frozenset[int]
    kept: frozenset[int]

    @property
    def counts(self) -> RegionCounts:
        """How many cells there are of each kind."""
        kept = tuple(sorted(self.kept))
        return RegionCounts(len(self.found), len(self.replaced), kept)


def merge_region(
    present: Labels,
    table: CellTable,
    new: Labels,
    region: Region,
    frames: int,
    locked: Collection[int] = (),
    empty: EmptyLabels = in_memory,
) -> RegionMerge:
    """Return the masks with the cells of a run in ``region`` in place of those there.

    Cells of which at least half lies in the region are replaced, unless they are
    locked; with a region for one cell, only that cell, even if it is locked. No other
    cell changes by a pixel: new ones lose what they share with those, and are left out
    if less than half of them is left. A new cell has the id of the one replaced that it
    matches (IoU of at least 0.5), others get ids above the highest of ``table``.

    Parameters
    ----------
    present, table
        The masks, which are not changed, and their cells.
    new
        Cells of the run only, of the same shape.
    frames
        Number of time points.
    empty
        Makes the array of the masks.
    """
    inside = region.pixels_in(present, frames)
    there = {cell for cell, n in inside.items() if 2 * n >= table.size_of(cell)}
    going = there - set(locked)
    if region.cell_at is not None:
        going = {region.cell} if region.cell and table.size_of(region.cell) else set()
    found = CellTable.of(new)
    ids = found.ids().tolist()
    boxes = [*map(found.box, ids), *map(table.box, going)]
    result = copied(present, empty)
    if boxes:
        box = box_around(boxes)
        part, cells = present[box], new[box]
        before = only(part, [*going])
        if region.cell_at is not None and going:
            # However much it has changed, it is the cell that was asked for.
            cells = np.where(cells > 0, np.uint32(*going), 0).astype(np.uint32)
        else:
            cells = carry_over_ids(before, cells, table.highest)
        others = np.unique(part[(part > 0) & (before == 0)]).tolist()
        merged = keep_locked(cells, part, others)
        made = frozenset(np.unique(merged).tolist()) - {0, *others}
        if made or region.cell_at is None:
            result[box] = merged
            return RegionMerge(
                labels=result,
                found=made,
                replaced=frozenset(going),
                kept=frozenset(there - going),
            )
    # A cell that is not found again is not lost.
    return RegionMerge(
        labels=result, found=frozenset(), replaced=frozenset(), kept=frozenset(there)
    )
