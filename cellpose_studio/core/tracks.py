"""Cells linked over time: one id for the same cell in all time points."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from cellpose_studio.core.cell_table import CellTable
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.chunks import Labels
from cellpose_studio.core.edit import ChunkEdit, LabelEdit, edit_between
from cellpose_studio.core.links import matches

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
    """

    edit: LabelEdit
    frames: int
    cells: int
    tracks: int
    single: int


def link(
    labels: Labels,
    table: CellTable,
    threshold: float = 0.5,
    statuses: Mapping[int, str] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Tracks:
    """Return the edit after which cells have the same id in all time points.

    A cell takes the id that the same cell has in the time point before, by
    `core.links.matches`. One that is not there keeps its id if no earlier time point
    has it, and gets one that was never used otherwise.

    Parameters
    ----------
    labels
        TYX or TZYX.
    statuses
        What was decided about cells, by id. Cells that become one keep what was
        decided about all of them; where that differs, they get an id that was never
        used, about which nothing is decided.
    """
    checkpoint = checkpoint or Checkpoint()
    fresh = count(table.next_id())
    names = _linked(labels, threshold, fresh, checkpoint)
    _rename_undecided(names, statuses or {}, fresh)
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
    return Tracks(edit, len(names), len(every), len(times), single)


def _linked(
    labels: Labels, threshold: float, fresh: Iterator[int], checkpoint: Checkpoint
) -> list[Names]:
    """Return for each time point the ids by which cells are the same in all."""
    names = [{cell: cell for cell in _ids(labels[0])}]
    used = set(names[0])
    for t in range(1, len(labels)):
        checkpoint.reached(t, len(labels), "Comparing time point")
        same, before = matches(labels[t - 1], labels[t], threshold), names[-1]
        now = {}
        for cell in _ids(labels[t]):
            if cell in same:
                now[cell] = before[same[cell]]
            else:
                now[cell] = next(fresh) if cell in used else cell
        used.update(now.values())
        names.append(now)
    return names


def _rename_undecided(
    names: Sequence[Names], statuses: Mapping[int, str], fresh: Iterator[int]
) -> None:
    """Give tracks that were decided on only in part an id without a status."""
    decided = defaultdict(set)
    for of_frame in names:
        for old, new in of_frame.items():
            decided[new].add(statuses.get(old))
    others = {
        track: next(fresh)
        for track, found in decided.items()
        if track in statuses and found != {statuses[track]}
    }
    for of_frame in names:
        for old, new in of_frame.items():
            of_frame[old] = others.get(new, new)


def _renamed(labels: Labels, t: int, names: Names) -> tuple[ChunkEdit, ...]:
    """Return how a time point changes when its cells have other ids."""
    import fastremap

    if all(old == new for old, new in names.items()):
        return ()
    after = fastremap.remap(labels[t], {0: 0, **names}, in_place=False)
    frame = (slice(t, t + 1), *(slice(0, size) for size in labels.shape[1:]))
    return edit_between("", (), labels, frame, after[None]).parts


def _ids(labels: Labels) -> list[int]:
    import fastremap

    return [cell for cell in fastremap.unique(labels).tolist() if cell]
