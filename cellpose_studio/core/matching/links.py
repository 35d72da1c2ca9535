"""Matching of the cells of two label images: two time points, or two runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.edits.changes import Mask
from cellpose_studio.core.edits.components import largest_overlap
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import (
    EmptyLabels,
    Labels,
    copied,
    in_memory,
    pieces,
)
from cellpose_studio.core.masks.labels import cell_ids, pixels_where
from cellpose_studio.core.masks.map_ids import map_ids, only
from cellpose_studio.core.matching.compare import shared_pixels

Ids = npt.NDArray[np.uint32]
Counts = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]


def match_cells(
    before: Labels, after: Labels, threshold: float = 0.5
) -> dict[int, int]:
    """Return for ids of ``after`` the id of the same cell in ``before``.

    Two cells can match if their overlap (IoU) is at least ``threshold``. Of all
    possible assignments, the one with the highest sum of IoU is chosen (the Hungarian
    method, as in SciPy's ``linear_sum_assignment``).

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    return _match(*_shared(before, after), threshold)


def carry_over_ids(
    before: Labels,
    after: Labels,
    highest: int,
    threshold: float = 0.5,
    empty: EmptyLabels = in_memory,
) -> Labels:
    """Return ``after`` with the ids of ``before`` where cells match.

    All other cells get ids above ``highest``, which no cell has ever had, in the
    order of their ids. Only the ids change, not the shapes. ``empty`` makes the array.
    """
    olds, news, shared = _shared(before, after)
    names = _match(olds, news, shared, threshold)
    new = [cell for cell in np.unique(news[news > 0]).tolist() if cell not in names]
    first = max(highest, int(olds.max(initial=0))) + 1
    names.update(zip(new, range(first, first + len(new)), strict=True))
    return map_ids(after, names, empty)


def names_after(
    before: Labels, after: Labels, cells: Collection[int]
) -> dict[int, int]:
    """Return for ids of ``before`` which of ``cells`` they are in ``after``.

    That is the one whose pixels are mostly those of the cell before. Shapes are the
    same.
    """
    olds, news, pixels = _shared(before, after)
    order = np.argsort(pixels)
    pairs = zip(olds[order].tolist(), news[order].tolist(), strict=True)
    # Of several, the last one is the largest.
    best = {cell: old for old, cell in pairs if old and cell in cells}
    return {old: cell for cell, old in best.items()}


def keep_locked(
    after: Labels,
    before: Labels,
    locked: Sequence[int],
    deleted: Mask | None = None,
    empty: EmptyLabels = in_memory,
) -> Labels:
    """Return the labels of a new run, merged with the locked cells of the old ones.

    Locked cells of ``before`` have priority: they keep their id and every pixel. New
    cells lose the pixels they share with them, and all fragments but the largest. A
    new cell is removed if less than half of it is left, if it has the id of a locked
    cell, or if half of it or more lies where a cell was deleted.

    Parameters
    ----------
    after
        The new labels, with ids carried over.
    deleted
        Pixels of the cells that the user deleted; None if there are none.
    empty
        Makes arrays of labels.
    """
    kept = only(before, locked, empty)
    table = CellTable.of(after)
    going = {*cell_ids(kept), *_deleted_cells(after, table, deleted)}
    result = copied(after, empty)
    # All other cells stay as they are, so only these are worth a visit.
    for cell in _below(after, kept) | going:
        box = table.box(cell)
        whole = after[box] == cell
        left = largest_overlap(whole, whole & (kept[box] == 0))
        if cell in going or 2 * np.count_nonzero(left) < table.size_of(cell):
            left[:] = False
        result[box][whole & ~left] = 0
    _put_over(result, kept)
    return result


def _below(labels: Labels, kept: Labels) -> set[int]:
    """Return the ids of cells that have a pixel where ``kept`` has one."""
    flat, above = np.ascontiguousarray(labels).reshape(-1), kept.reshape(-1)
    found: set[int] = set()
    for piece in pieces(flat.size):
        if (taken := above[piece] != 0).any():
            found.update(np.unique(flat[piece][taken]).tolist())
    return found - {0}


def _put_over(labels: Labels, kept: Labels) -> None:
    """Write the pixels of cells of ``kept`` into ``labels``."""
    flat, above = labels.reshape(-1), kept.reshape(-1)
    for piece in pieces(flat.size):
        if (taken := above[piece] != 0).any():
            np.copyto(flat[piece], above[piece], where=taken)


def _shared(before: Labels, after: Labels) -> tuple[Ids, Ids, Counts]:
    """Return the same as `shared_pixels`, after a check of the shapes."""
    if before.shape != after.shape:
        raise ValueError(f"{before.shape} and {after.shape} cannot be compared")
    return shared_pixels(before, after)


def _match(olds: Ids, news: Ids, shared: Counts, threshold: float) -> dict[int, int]:
    """Return for each new id the old one of the same cell."""
    union = _sums(olds, shared) + _sums(news, shared) - shared
    iou = shared / np.maximum(union, 1)
    cells = (olds > 0) & (news > 0) & (iou >= threshold)
    olds, news = olds[cells], news[cells]
    chosen = assign(olds, news, iou[cells])
    return dict(zip(news[chosen].tolist(), olds[chosen].tolist(), strict=True))


def assign(olds: Ids, news: Ids, iou: Scores) -> npt.NDArray[np.intp]:
    """Return which pairs are the same cell, with each id in at most one pair.

    Of all such choices, it is the one with the highest sum of ``iou``, which need not
    be overlaps.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, rows = np.unique(olds, return_inverse=True)
    _, columns = np.unique(news, return_inverse=True)
    if not len(rows):
        return np.zeros(0, np.intp)
    # Old and new cells are nodes of one graph, so their numbers must not overlap.
    columns = columns + rows.max() + 1
    size = int(columns.max()) + 1
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(size, size))
    # The Hungarian method is cubic, so it runs on groups of competing cells only.
    groups = connected_components(graph, directed=False)[1][rows]
    competing = np.bincount(groups)[groups] > 1
    # A pair without competitors is part of every best assignment.
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
    # The assignment may contain cells that do not overlap, and these are no pair.
    number = np.full(scores.shape, -1)
    scores[y, x], number[y, x] = iou[pairs], pairs
    chosen = number[linear_sum_assignment(scores, maximize=True)]
    return chosen[chosen >= 0]


def _deleted_cells(after: Labels, table: CellTable, where: Mask | None) -> set[int]:
    """Return the ids of cells of which half or more lies where cells were deleted."""
    if where is None:
        return set()
    inside = pixels_where(after, where)
    return {cell for cell, n in inside.items() if 2 * n >= table.size_of(cell)}


def _sums(ids: Ids, pixels: Counts) -> Counts:
    """Return for each of ``ids`` the sum over all that are the same."""
    _, positions = np.unique(ids, return_inverse=True)
    return np.bincount(positions, pixels).astype(np.int64)[positions]
