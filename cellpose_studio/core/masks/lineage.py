"""Tracks of cells over time: when each exists, and which cell it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from cellpose_studio.core.masks.labels import Labels, cell_ids

Mothers = Mapping[int, int]
"""The mother of each daughter."""

Spans = Mapping[int, tuple[int, int]]
"""First and last time point of each cell, from 0 on."""


@dataclass(frozen=True, kw_only=True)
class Track:
    """A cell in consecutive time points.

    Attributes
    ----------
    number
        Identifies the track: the id of the cell, but for what follows a gap.
    cell
        The id of the cell in the label images.
    begin, end
        First and last time point, from 0 on.
    parent
        Number of the track that it continues after a gap, or of the mother; 0: none.
    """

    number: int
    cell: int
    begin: int
    end: int
    parent: int


def frames_of_cells(labels: Labels) -> dict[int, list[int]]:
    """Return the time points of each cell, ascending; ``labels`` are TYX or TZYX."""
    found: dict[int, list[int]] = {}
    for t, frame in enumerate(labels):
        for cell in cell_ids(frame):
            found.setdefault(cell, []).append(t)
    return dict(sorted(found.items()))


def tracks_of_cells(
    frames: Mapping[int, list[int]], parents: Mapping[int, int]
) -> list[Track]:
    """Return tracks without gaps: after a time without the cell, a new one begins.

    Parameters
    ----------
    frames
        Time points of each cell, as `frames_of_cells` returns them.
    parents
        The mother of each cell that came from a division.

    Raises
    ------
    ValueError
        If a mother does not exist, or exists when or after her daughter begins.
    """
    last: dict[int, Track] = {}
    tracks: list[Track] = []
    fresh = max(frames, default=0)
    # Mothers end before daughters begin, so that this order meets them first.
    for cell, begin, end in sorted(_stretches(frames), key=lambda s: (s[1], s[0])):
        number, before = cell, last.get(cell)
        if before is not None:
            fresh += 1
            number, parent = fresh, before.number
        else:
            parent = _parent(cell, begin, parents, frames, last)
        last[cell] = Track(
            number=number, cell=cell, begin=begin, end=end, parent=parent
        )
        tracks.append(last[cell])
    return sorted(tracks, key=lambda track: track.number)


def in_force(mothers: Mothers, spans: Spans) -> dict[int, int]:
    """Return the divisions whose cells exist, mothers before daughters.

    Others are kept for the day when an undo brings the cells back.
    """
    return {
        daughter: mother
        for daughter, mother in mothers.items()
        if daughter in spans
        and mother in spans
        and spans[mother][1] < spans[daughter][0]
    }


def daughters_of(mothers: Mothers) -> dict[int, list[int]]:
    """Return the daughters of each mother, ascending."""
    found: dict[int, list[int]] = {}
    for daughter, mother in sorted(mothers.items()):
        found.setdefault(mother, []).append(daughter)
    return found


def _parent(
    cell: int,
    begin: int,
    parents: Mapping[int, int],
    frames: Mapping[int, list[int]],
    last: Mapping[int, Track],
) -> int:
    mother = parents.get(cell, 0)
    if not mother:
        return 0
    if mother not in frames:
        raise ValueError(f"cell {mother}, the mother of cell {cell}, does not exist")
    if frames[mother][-1] >= begin:
        raise ValueError(
            f"cell {mother} still exists at time point {frames[mother][-1] + 1}, when "
            f"its daughter {cell} has begun (at {begin + 1})"
        )
    return last[mother].number


def _stretches(frames: Mapping[int, list[int]]) -> Iterator[tuple[int, int, int]]:
    """Yield cell, first and last of consecutive time points."""
    for cell, times in frames.items():
        at = np.array(times)
        cuts = np.flatnonzero(np.diff(at) > 1)
        begins = at[np.concatenate([[0], cuts + 1])].tolist()
        ends = at[np.concatenate([cuts, [len(at) - 1]])].tolist()
        for begin, end in zip(begins, ends, strict=True):
            yield cell, begin, end
