"""Cells linked over time: one id for the same cell in all time points."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import ChunkEdit, LabelEdit, edit_between
from cellpose_studio.core.masks.labels import cell_ids
from cellpose_studio.core.masks.renaming import renamed
from cellpose_studio.core.matching.links import matches
from cellpose_studio.core.provenance.revision import CellStatus, StatusChanges

Names = dict[int, int]
"""The new id of each cell of a time point."""


@dataclass(frozen=True, eq=False)
class Tracks:
    """What linking gave.

    Attributes
    ----------
    edit
        Gives the cells their new ids.
    frames
        How many time points there are.
    cells
        How many cells they have, added up.
    tracks
        How many different cells these are.
    single
        How many of the tracks are in one time point only.
    before
        The ids that the cells of each track had before, by the id they have now.
    """

    edit: LabelEdit
    frames: int
    cells: int
    tracks: int
    single: int
    before: Mapping[int, frozenset[int]]

    def statuses(self, known: Mapping[int, CellStatus]) -> StatusChanges:
        """Return what becomes of statuses when the cells get their new ids.

        Cells that become one keep the status that all of them had; where that
        differs, they have none. Ids that no cell has any more lose theirs; those that
        no cell had before keep it.
        """
        olds = {cell for cells in self.before.values() for cell in cells}
        wanted: dict[int, CellStatus | None] = dict.fromkeys(olds & known.keys())
        for track, cells in self.before.items():
            had = {known.get(cell) for cell in cells}
            wanted[track] = had.pop() if len(had) == 1 else None
        return {
            cell: (known.get(cell), status)
            for cell, status in wanted.items()
            if known.get(cell) != status
        }


def link(
    labels: Labels,
    table: CellTable,
    threshold: float = 0.5,
    checkpoint: Checkpoint | None = None,
) -> Tracks:
    """Return the edit after which cells have the same id in all time points.

    A cell takes the id that the same cell has in the time point before, by
    `core.matching.links.matches`. One that is not there keeps its id if no earlier time
    point has it, and gets one that was never used otherwise.

    Parameters
    ----------
    labels
        TYX or TZYX.
    """
    checkpoint = checkpoint or Checkpoint()
    names = _linked(labels, threshold, count(table.next_id()), checkpoint)
    parts: list[ChunkEdit] = []
    for t, of_frame in enumerate(names):
        checkpoint.reached(t, len(names), "Renaming cells, time point")
        parts += _renamed(labels, t, of_frame)
    moved = (new for one in names for old, new in one.items() if new != old)
    operation = f"Link cells over time (IoU {threshold:.2g})"
    edit = LabelEdit(operation, tuple(dict.fromkeys(moved)), tuple(parts))
    every = [new for one in names for new in one.values()]
    _, times = np.unique(every, return_counts=True)
    single = int(np.count_nonzero(times == 1))
    before = _before(names)
    return Tracks(edit, len(names), len(every), len(times), single, before)


def _linked(
    labels: Labels, threshold: float, fresh: Iterator[int], checkpoint: Checkpoint
) -> list[Names]:
    """Return for each time point the ids by which cells are the same in all."""
    names = [{cell: cell for cell in cell_ids(labels[0])}]
    used = set(names[0])
    for t in range(1, len(labels)):
        checkpoint.reached(t, len(labels), "Comparing time point")
        same, before = matches(labels[t - 1], labels[t], threshold), names[-1]
        now = {}
        for cell in cell_ids(labels[t]):
            if cell in same:
                now[cell] = before[same[cell]]
            else:
                now[cell] = next(fresh) if cell in used else cell
        used.update(now.values())
        names.append(now)
    return names


def _before(names: Sequence[Names]) -> dict[int, frozenset[int]]:
    """Return the ids that the cells of each track had."""
    found = defaultdict(set)
    for of_frame in names:
        for old, new in of_frame.items():
            found[new].add(old)
    return {track: frozenset(cells) for track, cells in found.items()}


def _renamed(labels: Labels, t: int, names: Names) -> tuple[ChunkEdit, ...]:
    """Return how a time point changes when its cells have other ids."""
    if all(old == new for old, new in names.items()):
        return ()
    after = renamed(labels[t], names)
    frame = (slice(t, t + 1), *(slice(0, size) for size in labels.shape[1:]))
    return edit_between("", (), labels, frame, after[None]).parts
