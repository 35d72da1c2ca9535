"""Sizes and bounding boxes of cells, measured in one pass over the pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled
from cellpose_studio.core.masks.chunks import Labels

if TYPE_CHECKING:
    # `compiled` provides it at run time.
    import numba

Ids = npt.NDArray[np.uint32]
Counts = npt.NDArray[np.int64]
Bounds = npt.NDArray[np.int64]


@compiled
def scan_cells(labels: Labels) -> tuple[Ids, Counts, Bounds, Bounds]:
    """Return ids, pixels, and bounds of all cells of labels (T, Z, Y, X).

    Shapes are (N,), (N,), (N, 4) and (N, 4); cells are in the order of first pixels.
    """
    frames, planes, height, width = labels.shape
    rows = numba.typed.Dict.empty(numba.uint32, numba.int64)
    found = np.empty((1024, 10), np.int64)
    for t in range(frames):
        for z in range(planes):
            for y in range(height):
                line = labels[t, z, y]
                x = 0
                # Runs of equal pixels share one slow dictionary look-up.
                while x < width:
                    cell, start = line[x], x
                    while x < width and line[x] == cell:
                        x += 1
                    if cell != 0:
                        found = _with_run(found, rows, cell, t, z, y, start, x)
    return _columns(found[: len(rows)])


@compiled
def tally_cells(
    index: npt.NDArray[np.int32],
    cells: Labels,
    width: int,
    t: int,
    z: int,
    top: int,
    left: int,
) -> tuple[Ids, Counts, Bounds, Bounds]:
    """Return the same as `scan` for pixels of a chunk.

    Parameters
    ----------
    index, cells
        (N,) flat indices within the chunk, and the cells there.
    width
        Of the chunk, px.
    t, z, top, left
        Its plane and its first pixel.
    """
    rows = numba.typed.Dict.empty(numba.uint32, numba.int64)
    found = np.empty((16, 10), np.int64)
    at, size = 0, len(index)
    while at < size:
        cell, start = cells[at], at
        y, x = divmod(index[at], width)
        at += 1
        while (
            at < size and cells[at] == cell and index[at] == index[start] + at - start
        ):
            # Flat indices run on into the next row, where another run of pixels begins.
            if x + at - start == width:
                break
            at += 1
        if cell != 0:
            x += left
            end = x + at - start
            found = _with_run(found, rows, cell, t, z, y + top, x, end)
    return _columns(found[: len(rows)])


@compiled
def shrink_all(labels: Labels, cells: Ids, low: Bounds, high: Bounds) -> None:
    """Do `shrink_bounds` for each of N cells, with bounds (N, 4)."""
    for n in range(len(cells)):
        shrink_bounds(labels, cells[n], low[n], high[n])


@compiled
def shrink_bounds(labels: Labels, cell: int, low: Bounds, high: Bounds) -> None:
    """Move the faces of a box in labels (T, Z, Y, X) inward, up to a cell's pixels.

    ``low`` and ``high`` are the (4,) bounds of a box that the cell lies in; they are
    written to. Pixels are read along rows, because that is fastest.
    """
    for axis in range(3):
        # The loops stop at a box of one pixel, or one without the cell would not end.
        while low[axis] + 1 < high[axis] and not _on_face(
            labels, cell, low, high, axis, low[axis]
        ):
            low[axis] += 1
        while low[axis] + 1 < high[axis] and not _on_face(
            labels, cell, low, high, axis, high[axis] - 1
        ):
            high[axis] -= 1
    # A face in X has one pixel in each row, so both faces are found in one pass over
    # the rows.
    first, last = low[3], high[3]
    left, right = last, first
    for t in range(low[0], high[0]):
        for z in range(low[1], high[1]):
            for y in range(low[2], high[2]):
                line = labels[t, z, y]
                if _is_in(line[first:left], cell):
                    left = first
                    while line[left] != cell:
                        left += 1
                if _is_in(line[right:last], cell):
                    right = last
                    while line[right - 1] != cell:
                        right -= 1
    low[3], high[3] = left, right


@compiled
def _on_face(
    labels: Labels, cell: int, low: Bounds, high: Bounds, axis: int, at: int
) -> bool:
    start, stop = low.copy(), high.copy()
    start[axis], stop[axis] = at, at + 1
    for t in range(start[0], stop[0]):
        for z in range(start[1], stop[1]):
            for y in range(start[2], stop[2]):
                if _is_in(labels[t, z, y, start[3] : stop[3]], cell):
                    return True
    return False


@compiled
def _is_in(line: Labels, cell: int) -> bool:
    found = False
    # Without a branch and an iterator, the compiler vectorises this loop.
    for x in range(len(line)):
        found |= line[x] == cell
    return found


# Each row of ``found``: id, pixels, lower T Z Y X, upper T Z Y X.


@compiled
def _with_run(
    found: npt.NDArray[np.int64],
    rows: Any,
    cell: np.uint32,
    t: int,
    z: int,
    y: int,
    start: int,
    stop: int,
) -> npt.NDArray[np.int64]:
    """Return ``found`` with a run of pixels of a cell, twice as long if it was full."""
    if cell not in rows:
        row = len(rows)
        rows[cell] = row
        if row == len(found):
            found = np.concatenate((found, np.empty_like(found)))
        first = found[row]
        first[0], first[1] = cell, 0
        first[2], first[3], first[4], first[5] = t, z, y, start
        first[6:] = 0
    one = found[rows[cell]]
    one[1] += stop - start
    one[2], one[3] = min(one[2], t), min(one[3], z)
    one[4], one[5] = min(one[4], y), min(one[5], start)
    one[6], one[7] = max(one[6], t + 1), max(one[7], z + 1)
    one[8], one[9] = max(one[8], y + 1), max(one[9], stop)
    return found


@compiled
def _columns(found: npt.NDArray[np.int64]) -> tuple[Ids, Counts, Bounds, Bounds]:
    ids = found[:, 0].astype(np.uint32)
    return ids, found[:, 1].copy(), found[:, 2:6].copy(), found[:, 6:].copy()
