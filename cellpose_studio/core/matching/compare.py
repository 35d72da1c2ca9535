"""Comparison of two label images: which cells were added, removed or changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled

if TYPE_CHECKING:
    # `compiled` provides it at run time.
    import numba

UNCHANGED, ADDED, REMOVED, CHANGED = 1, 2, 3, 4
"""Values of the pixels of `highlight`; 0 is background."""

Labels = npt.NDArray[np.uint32]
Ids = npt.NDArray[np.uint32]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Comparison:
    """The cells of two label images, before and after.

    Attributes
    ----------
    added
        (N,) ids after of cells that did not exist before, ascending.
    removed
        (N,) ids before of cells that do not exist after, ascending.
    changed
        (N, 2) ids before and after of the same cell with other pixels, ascending.
    unchanged
        (N, 2) ids before and after of cells with the same pixels, ascending.
    pixels
        Number of pixels that differ; a cell that only changed its id has none.
    """

    added: Ids
    removed: Ids
    changed: Ids
    unchanged: Ids
    pixels: int


@dataclass(frozen=True, eq=False)
class _Overlaps:
    """Pairs of ids before and after that share pixels, with their number of pixels."""

    before: Ids
    after: Ids
    shared: Counts

    def within_cells(self) -> tuple[_Overlaps, Counts]:
        """Return the pairs of two cells, and the size of the union of each pair."""
        union = _sums(self.before, self.shared) + _sums(self.after, self.shared)
        inside = (self.before > 0) & (self.after > 0)
        cells = _Overlaps(self.before[inside], self.after[inside], self.shared[inside])
        return cells, union[inside] - cells.shared


def compare_labels(before: Labels, after: Labels) -> Comparison:
    """Compare label images of the same shape, of any number of axes.

    Cells are matched by their pixels first, because a new run renumbers them: two ids
    with an overlap (IoU) of half or more are the same cell. Of the remaining cells,
    those with the same id are the same if they share a pixel.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if before.shape != after.shape:
        raise ValueError(f"{before.shape} and {after.shape} cannot be compared")
    overlaps = _Overlaps(*shared_pixels(before, after))
    cells, union = overlaps.within_cells()
    pairs = _match(cells, union)
    # Two cells have the same pixels if they share all of their union.
    equal = pairs[cells.shared[pairs] == union[pairs]]
    other = pairs[cells.shared[pairs] < union[pairs]]
    return Comparison(
        added=_unmatched(overlaps.after, cells.after[pairs]),
        removed=_unmatched(overlaps.before, cells.before[pairs]),
        changed=_pairs(cells, other),
        unchanged=_pairs(cells, equal),
        # A pixel is the same only if it belongs to the same cell in both images.
        pixels=int(overlaps.shared.sum() - cells.shared[pairs].sum()),
    )


def highlight(
    before: Labels, after: Labels, comparison: Comparison
) -> npt.NDArray[np.uint8]:
    """Return a picture of both label images that shows what happened to each cell.

    Pixels are `UNCHANGED`, `ADDED`, `REMOVED`, `CHANGED`, or 0 for background. Cells
    after lie on top; a changed cell shows below them the pixels it has lost.
    """
    changed = comparison.changed.tolist()
    gone = dict.fromkeys(comparison.removed.tolist(), REMOVED)
    gone |= dict.fromkeys((old for old, _ in changed), CHANGED)
    there = dict.fromkeys(comparison.added.tolist(), ADDED)
    there |= dict.fromkeys((new for _, new in changed), CHANGED)
    there |= dict.fromkeys(comparison.unchanged[:, 1].tolist(), UNCHANGED)
    return draw_states(before, after, gone, there)


def draw_states(
    before: Labels,
    after: Labels,
    of_before: Mapping[int, int],
    of_after: Mapping[int, int],
) -> npt.NDArray[np.uint8]:
    """Return a picture in which each cell has a value, by its id; 0 if it has none.

    Cells after lie on top.
    """
    drawn = np.empty(before.size, np.uint8)
    states = _states(of_before), _states(of_after)
    _draw(_flat(before), _flat(after), *states[0], *states[1], drawn)
    return drawn.reshape(before.shape)


def same_cells(before: Labels, after: Labels) -> dict[int, int]:
    """Return for ids after the id before of the cell with exactly the same pixels.

    Cells that are in no entry have got or lost pixels. Shapes are the same.
    """
    cells, union = _Overlaps(*shared_pixels(before, after)).within_cells()
    same = cells.shared == union
    return dict(
        zip(cells.after[same].tolist(), cells.before[same].tolist(), strict=True)
    )


def shared_pixels(before: Labels, after: Labels) -> tuple[Ids, Ids, Counts]:
    """Return pairs of ids, before and after, and the pixels that have both.

    Pixels that are background in both are ignored. Both images have the same shape.
    """
    return _count_pairs(_flat(before), _flat(after))


def _flat(labels: Labels) -> Labels:
    return np.ascontiguousarray(labels, np.uint32).reshape(-1)


def _sums(ids: Ids, pixels: Counts) -> Counts:
    """Return for each of ``ids`` the sum over all that are the same."""
    _, positions = np.unique(ids, return_inverse=True)
    sums = np.zeros(int(positions.max(initial=-1)) + 1, np.int64)
    np.add.at(sums, positions, pixels)
    return sums[positions]


def _match(cells: _Overlaps, union: Counts) -> npt.NDArray[np.intp]:
    """Return the pairs that are one cell: best overlap first, each id at most once."""
    renamed = cells.before != cells.after
    # Whole numbers compare exactly at an overlap of one half.
    candidates = np.flatnonzero((2 * cells.shared >= union) | ~renamed)
    iou = cells.shared[candidates] / union[candidates]
    # The last key sorts first. Equal overlaps are settled by the ids, so that the
    # result does not depend on where the cells lie.
    order = np.lexsort((cells.after[candidates], renamed[candidates], -iou))
    chosen = []
    olds, news = set[int](), set[int]()
    for pair in candidates[order].tolist():
        old, new = int(cells.before[pair]), int(cells.after[pair])
        if old not in olds and new not in news:
            olds.add(old)
            news.add(new)
            chosen.append(pair)
    return np.array(chosen, np.intp)


def _unmatched(ids: Ids, matched: Ids) -> Ids:
    return np.setdiff1d(ids[ids > 0], matched)


def _pairs(cells: _Overlaps, which: npt.NDArray[np.intp]) -> Ids:
    pairs = np.stack([cells.before[which], cells.after[which]], axis=1)
    return pairs[np.argsort(pairs[:, 0])]


def _states(values: Mapping[int, int]) -> tuple[Ids, npt.NDArray[np.uint8]]:
    """Return the ids, ascending, and the value of each."""
    ids = np.array(sorted(values), np.uint32)
    return ids, np.array([values[cell] for cell in ids.tolist()], np.uint8)


@compiled
def _count_pairs(before: Labels, after: Labels) -> tuple[Ids, Ids, Counts]:
    """Count the pixels of each pair of ids, except background in both."""
    counts = numba.typed.Dict.empty(numba.uint64, numba.int64)
    size, at = len(before), 0
    # Runs of equal pixels share one slow dictionary look-up.
    while at < size:
        old, new = before[at], after[at]
        start = at
        while at < size and before[at] == old and after[at] == new:
            at += 1
        if old or new:
            pair = (np.uint64(old) << np.uint64(32)) | np.uint64(new)
            counts[pair] = counts.get(pair, 0) + at - start
    olds = np.empty(len(counts), np.uint32)
    news = np.empty(len(counts), np.uint32)
    shared = np.empty(len(counts), np.int64)
    for n, (pair, count) in enumerate(counts.items()):
        olds[n] = pair >> np.uint64(32)
        news[n] = pair & np.uint64(0xFFFFFFFF)
        shared[n] = count
    return olds, news, shared


@compiled
def _state_of(cell: int, ids: Ids, states: npt.NDArray[np.uint8]) -> np.uint8:
    at = np.searchsorted(ids, cell)
    if at < len(ids) and ids[at] == cell:
        return states[at]
    return np.uint8(0)


@compiled
def _draw(
    before: Labels,
    after: Labels,
    ids_before: Ids,
    states_before: npt.NDArray[np.uint8],
    ids_after: Ids,
    states_after: npt.NDArray[np.uint8],
    drawn: npt.NDArray[np.uint8],
) -> None:
    size, at = len(before), 0
    while at < size:
        old, new = before[at], after[at]
        state = np.uint8(0)
        if new:
            state = _state_of(new, ids_after, states_after)
        # Of cells that are not drawn, those below can be seen.
        if old and not state:
            state = _state_of(old, ids_before, states_before)
        while at < size and before[at] == old and after[at] == new:
            drawn[at] = state
            at += 1
