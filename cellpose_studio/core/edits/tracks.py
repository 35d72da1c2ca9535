"""Cut tracks in two, and join them: cells that have one id over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cellpose_studio.core.edits.changes import Changes, cell_mask
from cellpose_studio.core.edits.whole import merge_cells
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import LabelEdit


class TrackRefused(StudioError):
    """A track that cannot be cut or joined there."""


def cut_track(
    labels: Labels, table: CellTable, cell: int, time: int
) -> tuple[LabelEdit, int]:
    """Return the edit that gives a cell a new id from a time point on, and that id.

    Parameters
    ----------
    labels
        TYX or TZYX.
    time
        From 0 on; the cell exists before it.

    Raises
    ------
    TrackRefused
        If the cell begins or ends there, so that nothing is before or after the cut.
    """
    box, mask = cell_mask(labels, table, cell)
    first, end = box[0].start, box[0].stop
    if not first < time < end:
        raise TrackRefused(
            f"Cell {cell} is there from time point {first + 1} to {end}, so it cannot "
            f"be cut before time point {time + 1}.",
            f"Go to a time point from {first + 2} to {end}."
            if end - first > 1
            else "Choose a cell that is there for longer.",
        )
    new = table.next_id()
    mask[: time - first] = False
    changes = Changes(labels)
    changes.put(box, mask, new, protect=False)
    return changes.edit("Cut track", [cell, new]), new


def join_tracks(labels: Labels, table: CellTable, cells: Sequence[int]) -> LabelEdit:
    """Return the edit that makes one track of several; it has the id of the earliest.

    Raises
    ------
    TrackRefused
        If two of the cells are there at the same time.
    """
    first = sorted(cells, key=lambda cell: (table.box(cell)[0].start, cell))
    times: dict[int, int] = {}
    for cell in first:
        box, mask = cell_mask(labels, table, cell)
        there = np.flatnonzero(mask.any(axis=tuple(range(1, mask.ndim))))
        for time in (there + box[0].start).tolist():
            if time in times:
                raise TrackRefused(
                    f"Cells {times[time]} and {cell} are both there at time point "
                    f"{time + 1}, so they cannot be one track.",
                    "Merge them if they are one cell.",
                )
            times[time] = cell
    edit = merge_cells(labels, table, first)
    return LabelEdit("Join tracks", edit.cells, edit.parts)
