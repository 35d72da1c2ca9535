"""What changed between two label images: which cells came, went or look different."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiled import compiled

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
        (N,) ids after that were not there before, ascending.
    removed
        (N,) ids before that are not there after, ascending.
    changed
        (N, 2) ids before and after of the same cell with other pixels, ascending.
    unchanged
        (N, 2) ids before and after of cells with the same pixels, ascending.
    pixels
        How many pixels differ. Those of a cell that has only another id do not.
    """

    added: Ids
    removed: Ids
    changed: Ids
    unchanged: Ids
    pixels: int


@dataclass(frozen=True, eq=False)
class _Overlaps:
    """Pairs of ids before and after that share pixels, and how many; one 0 at most."""

    before: Ids
    after: Ids
    shared: Counts

    def within_cells(self) -> tuple[_Overlaps, Counts]:
        """Return the pairs of two cells, and how many pixels each has in all."""
        union = _sums(self.before, self.shared) + _sums(self.after, self.shared)
        inside = (self.before > 0) & (self.after > 0)
        cells = _Overlaps(self.before[inside], self.after[inside], self.shared[inside])
        return cells, union[inside] - cells.shared


def compare(before: Labels, after: Labels) -> Comparison:
    """Compare label images of the same shape, of any number of axes.

    Which cell is which is told by their pixels first, because a new run numbers them
    anew: an overlap (IoU) of half or more makes two ids one cell. Of what is left,
    the same id is the same cell if it shares a pixel with itself.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if before.shape != after.shape:
        raise ValueError(f"{before.shape} and {after.shape} cannot be compared")
    overlaps = _Overlaps(*shared_pixels(before, after))
    cells, union = overlaps.within_cells()
    pairs = _matched(cells, union)
    equal = pairs[cells.shared[pairs] == union[pairs]]
    other = pairs[cells.shared[pairs] < union[pairs]]
    return Comparison(
        added=_left(overlaps.after, cells.after[pairs]),
        removed=_left(overlaps.before, cells.before[pairs]),
        changed=_pairs(cells, other),
        unchanged=_pairs(cells, equal),
        pixels=int(overlaps.shared.sum() - cells.shared[pairs].sum()),
    )


def highlight(
    before: Labels, after: Labels, comparison: Comparison
) -> npt.NDArray[np.uint8]:
    """Return a picture of both label images that says what became of each cell.

    Pixels are `UNCHANGED`, `ADDED`, `REMOVED`, `CHANGED`, or 0 for background. What
    is there after lies on top; below, a cell that changed shows what it has lost.
    """
    drawn = np.empty(before.size, np.uint8)
    gone = _states((comparison.removed, REMOVED), (comparison.changed[:, 0], CHANGED))
    there = _states(
        (comparison.added, ADDED),
        (comparison.changed[:, 1], CHANGED),
        (comparison.unchanged[:, 1], UNCHANGED),
    )
    _draw(_flat(before), _flat(after), *gone, *there, drawn)
    return drawn.reshape(before.shape)


def shared_pixels(before: Labels, after: Labels) -> tuple[Ids, Ids, Counts]:
    """Return pairs of ids, before and after, and the pixels that have both.

    But for background in both. The label images have one shape.
    """
    return _counted(_flat(before), _flat(after))


def _flat(labels: Labels) -> Labels:
    return np.ascontiguousarray(labels, np.uint32).reshape(-1)


def _sums(ids: Ids, pixels: Counts) -> Counts:
    """Return for each of ``ids`` the sum over all that are the same."""
    _, places = np.unique(ids, return_inverse=True)
    sums = np.zeros(int(places.max(initial=-1)) + 1, np.int64)
    np.add.at(sums, places, pixels)
    return sums[places]


def _matched(cells: _Overlaps, union: Counts) -> npt.NDArray[np.intp]:
    """Return which pairs are one cell: best overlap first, each id at most once."""
    renamed = cells.before != cells.after
    candidates = np.flatnonzero((2 * cells.shared >= union) | ~renamed)
    iou = cells.shared[candidates] / union[candidates]
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


def _left(ids: Ids, matched: Ids) -> Ids:
    return np.setdiff1d(ids[ids > 0], matched)


def _pairs(cells: _Overlaps, which: npt.NDArray[np.intp]) -> Ids:
    pairs = np.stack([cells.before[which], cells.after[which]], axis=1)
    return pairs[np.argsort(pairs[:, 0])]


def _states(*groups: tuple[Ids, int]) -> tuple[Ids, npt.NDArray[np.uint8]]:
    """Return the ids of all groups, ascending, and the value of each."""
    ids = np.concatenate([group for group, _ in groups])
    states = np.concatenate([np.full(len(g), state, np.uint8) for g, state in groups])
    order = np.argsort(ids)
    return ids[order], states[order]


@compiled
def _counted(before: Labels, after: Labels) -> tuple[Ids, Ids, Counts]:
    """Count the pixels of each pair of ids, but for background in both."""
    counts = numba.typed.Dict.empty(numba.uint64, numba.int64)
    size, at = len(before), 0
    # Pixels beside each other are mostly alike: one look-up for all of them.
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
            state = states_after[np.searchsorted(ids_after, new)]
        elif old:
            state = states_before[np.searchsorted(ids_before, old)]
        while at < size and before[at] == old and after[at] == new:
            drawn[at] = state
            at += 1
