"""Which cells of two label images are the same: at two times, or after a new run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.edits.changes import Mask
from cellpose_studio.core.edits.components import largest_overlap
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.labels import cell_ids
from cellpose_studio.core.masks.renaming import renamed
from cellpose_studio.core.matching.compare import shared_pixels

Ids = npt.NDArray[np.uint32]
Counts = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]


def matches(before: Labels, after: Labels, threshold: float = 0.5) -> dict[int, int]:
    """Return for ids of ``after`` the id of the same cell in ``before``.

    Two cells may be one if their overlap (IoU) is at least ``threshold``; of all ways
    to pair them off, the one with the highest sum of IoU is taken (the Hungarian
    method, as in SciPy's ``linear_sum_assignment``).

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    return _matched(*_shared(before, after), threshold)


def carry_over_ids(
    before: Labels, after: Labels, highest: int, threshold: float = 0.5
) -> Labels:
    """Return ``after`` with the ids of ``before`` where cells match.

    All other cells get ids above ``highest``, which no cell has ever had, in the
    order of their ids. Which pixels belong together stays the same.
    """
    olds, news, shared = _shared(before, after)
    names = _matched(olds, news, shared, threshold)
    new = [cell for cell in np.unique(news[news > 0]).tolist() if cell not in names]
    first = max(highest, int(olds.max(initial=0))) + 1
    names.update(zip(new, range(first, first + len(new)), strict=True))
    return renamed(after, names)


def keep_locked(
    after: Labels, before: Labels, locked: Sequence[int], deleted: Mask | None = None
) -> Labels:
    """Return the labels of a new run with the cells that the user has decided on.

    Locked cells of ``before`` win: they keep their id and every pixel. New cells lose
    the pixels they share with them, and of what then lies apart all but the largest
    piece; one goes if less than half of it is left, if it has the id of a locked
    cell, or if half of it or more lies where a cell was deleted.

    Parameters
    ----------
    after
        The new labels, with ids carried over.
    deleted
        Where cells were that the user deleted; None if none were.
    """
    import fastremap

    kept = fastremap.mask_except(before, [int(cell) for cell in locked])
    taken = kept != 0
    table = CellTable.of(after)
    going = {*cell_ids(kept), *_deleted(after, table, deleted)}
    result = after.copy()
    for cell in {*cell_ids(after[taken]), *going}:
        box = table.box(cell)
        whole = after[box] == cell
        left = largest_overlap(whole, whole & ~taken[box])
        if cell in going or 2 * np.count_nonzero(left) < table.of_cell(cell):
            left[:] = False
        result[box][whole & ~left] = 0
    np.copyto(result, kept, where=taken)
    return result


def _shared(before: Labels, after: Labels) -> tuple[Ids, Ids, Counts]:
    """Return pairs of ids and their pixels, as `shared_pixels`."""
    if before.shape != after.shape:
        raise ValueError(f"{before.shape} and {after.shape} cannot be compared")
    return shared_pixels(before, after)


def _matched(olds: Ids, news: Ids, shared: Counts, threshold: float) -> dict[int, int]:
    """Return for new ids the old one of the same cell."""
    union = _sums(olds, shared) + _sums(news, shared) - shared
    iou = shared / np.maximum(union, 1)
    cells = (olds > 0) & (news > 0) & (iou >= threshold)
    olds, news = olds[cells], news[cells]
    chosen = _assigned(olds, news, iou[cells])
    return dict(zip(news[chosen].tolist(), olds[chosen].tolist(), strict=True))


def _assigned(olds: Ids, news: Ids, iou: Scores) -> npt.NDArray[np.intp]:
    """Return which pairs are one cell, with each id in one pair at most."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, rows = np.unique(olds, return_inverse=True)
    _, columns = np.unique(news, return_inverse=True)
    if not len(rows):
        return np.zeros(0, np.intp)
    columns = columns + rows.max() + 1
    size = int(columns.max()) + 1
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(size, size))
    # Only cells that compete have to be weighed against each other.
    groups = connected_components(graph, directed=False)[1][rows]
    competing = np.bincount(groups)[groups] > 1
    alone, others = np.flatnonzero(~competing), np.flatnonzero(competing)
    if not len(others):
        return alone
    order = others[np.argsort(groups[others], kind="stable")]
    each = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    best = [_best(pairs, rows, columns, iou) for pairs in each]
    return np.concatenate([alone, *best])


def _best(
    pairs: npt.NDArray[np.intp],
    rows: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
    iou: Scores,
) -> npt.NDArray[np.intp]:
    """Return the pairs of a group of competing cells with the highest sum of IoU."""
    from scipy.optimize import linear_sum_assignment

    _, y = np.unique(rows[pairs], return_inverse=True)
    _, x = np.unique(columns[pairs], return_inverse=True)
    scores = np.zeros((y.max() + 1, x.max() + 1))
    number = np.full(scores.shape, -1)
    scores[y, x], number[y, x] = iou[pairs], pairs
    chosen = number[linear_sum_assignment(scores, maximize=True)]
    return chosen[chosen >= 0]


def _deleted(after: Labels, table: CellTable, where: Mask | None) -> set[int]:
    """Return the ids of cells of which half or more lies where cells were deleted."""
    if where is None:
        return set()
    ids, pixels = np.unique(after[where], return_counts=True)
    pairs = zip(ids.tolist(), pixels.tolist(), strict=True)
    return {cell for cell, n in pairs if cell and 2 * n >= table.of_cell(cell)}


def _sums(ids: Ids, pixels: Counts) -> Counts:
    """Return for each of ``ids`` the sum over all that are the same."""
    _, places = np.unique(ids, return_inverse=True)
    return np.bincount(places, pixels).astype(np.int64)[places]
