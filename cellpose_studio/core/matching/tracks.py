"""Linking of cells over time: the same cell has one id in all time points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

import numpy as np

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import ChunkEdit, LabelEdit, edit_between
from cellpose_studio.core.masks.labels import cell_ids
from cellpose_studio.core.masks.map_ids import map_ids
from cellpose_studio.core.matching.links import match_cells
from cellpose_studio.core.matching.renaming import Renaming

Names = dict[int, int]
"""The new id of each cell of a time point."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Tracks:
    """Result of linking.

    Attributes
    ----------
    edit
        Gives the cells their new ids.
    frames
        Number of time points.
    cells
        Number of cells in all time points together.
    tracks
        Number of tracks, that is of different cells.
    single
        Number of tracks that exist in one time point only.
    renaming
        The ids of cells before and after, where those are the ids of tracks.
    """

    edit: LabelEdit
    frames: int
    cells: int
    tracks: int
    single: int
    renaming: Renaming


def link_cells(
    labels: Labels,
    table: CellTable,
    threshold: float = 0.5,
    checkpoint: Checkpoint | None = None,
    mothers: Mapping[int, int] | None = None,
) -> Tracks:
    """Return the edit after which cells have the same id in all time points.

    A cell takes the id of the matching cell in the time point before, by
    `core.matching.links.matches`. A cell without a match keeps its id if no earlier
    time point has it, and gets a new one otherwise.

    Parameters
    ----------
    labels
        TYX or TZYX.
    mothers
        The mother of each daughter: these two are not the same cell.
    """
    checkpoint = checkpoint or Checkpoint()
    names = _link_frames(
        labels, threshold, count(table.next_id()), checkpoint, mothers or {}
    )
    parts: list[ChunkEdit] = []
    for t, of_frame in enumerate(names):
        checkpoint.reached(t, len(names), "Renaming cells, time point")
        parts += _map_frame(labels, t, of_frame)
    moved = (new for one in names for old, new in one.items() if new != old)
    operation = f"Link cells over time (IoU {threshold:.2g})"
    edit = LabelEdit(operation, tuple(dict.fromkeys(moved)), tuple(parts))
    every = [new for one in names for new in one.values()]
    # An id exists once per time point, so its count is that of its time points.
    _, times = np.unique(every, return_counts=True)
    single = int(np.count_nonzero(times == 1))
    return Tracks(
        edit=edit,
        frames=len(names),
        cells=len(every),
        tracks=len(times),
        single=single,
        renaming=Renaming.over_time(names),
    )


def _link_frames(
    labels: Labels,
    threshold: float,
    fresh: Iterator[int],
    checkpoint: Checkpoint,
    mothers: Mapping[int, int],
) -> list[Names]:
    """Return for each time point the ids that link its cells to the others."""
    names = [{cell: cell for cell in cell_ids(labels[0])}]
    used = set(names[0])
    for t in range(1, len(labels)):
        checkpoint.reached(t, len(labels), "Comparing time point")
        same, before = match_cells(labels[t - 1], labels[t], threshold), names[-1]
        now = {}
        for cell in cell_ids(labels[t]):
            if cell in same and mothers.get(cell) != same[cell]:
                now[cell] = before[same[cell]]
            else:
                # The id may belong to a cell that has vanished, whose track must not go
                # on.
                now[cell] = next(fresh) if cell in used else cell
        used.update(now.values())
        names.append(now)
    return names


def _map_frame(labels: Labels, t: int, names: Names) -> tuple[ChunkEdit, ...]:
    """Return the changes of a time point whose cells get other ids."""
    # Reading a whole time point would only find that nothing has changed.
    if all(old == new for old, new in names.items()):
        return ()
    after = map_ids(labels[t], names)
    frame = (slice(t, t + 1), *(slice(0, size) for size in labels.shape[1:]))
    return edit_between("", (), labels, frame, after[None]).parts
