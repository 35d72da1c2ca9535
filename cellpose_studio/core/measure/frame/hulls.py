"""Convex hulls of cells in a plane.

The hull of a cell is that of the middles of its pixels' sides, as in scikit-image. In
units of half a pixel all these points are whole numbers, so that nothing is rounded.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled
from cellpose_studio.core.measure.frame.cell_pass import Ids, Labels, index_of

Ends = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

_NONE = 1 << 30
"""Beyond any column: the left end of a row without pixels."""


def new_ends(rows: int) -> Ends:
    """Return (rows, 2) first and last column of rows without pixels."""
    return np.tile(np.array([_NONE, -_NONE], np.int32), (rows, 1))


@compiled
def widen_rows(
    plane: Labels,
    ids: Ids,
    first: Counts,
    place: tuple[int, int],
    low: Counts,
    high: Counts,
    ends: Ends,
) -> None:
    """Widen the rows of cells to the pixels of a band.

    Parameters
    ----------
    first
        (cells,) where the rows of each cell begin in ``ends``, plane by plane.
    place
        Plane and first row of the band.
    low, high
        (cells, 3) boxes of the cells.
    ends
        (rows, 2) first and last column, changed.
    """
    z, top = place
    for y in range(len(plane)):
        row = plane[y]
        x, width = 0, len(row)
        while x < width:
            cell, start = row[x], x
            while x < width and row[x] == cell:
                x += 1
            if cell == 0:
                continue
            n = index_of(ids, cell)
            height = high[n, 1] - low[n, 1]
            at = first[n] + (z - low[n, 0]) * height + top + y - low[n, 1]
            ends[at, 0] = min(ends[at, 0], start)
            ends[at, 1] = max(ends[at, 1], x - 1)


@compiled
def plane_hulls(
    ends: Ends, first: Counts, width: float, hull: Values, feret: Values
) -> None:
    """Measure the hulls of cells.

    Parameters
    ----------
    ends
        (rows, 2) as of `widen_rows`.
    first
        (cells + 1,) where the rows of each cell begin.
    width
        Of a pixel, in heights of a pixel.
    hull
        (cells,) number of pixels in the hull, set.
    feret
        (cells,) largest distance of two points of the hull's pixels, set.
    """
    for n in range(len(first) - 1):
        rows = ends[first[n] : first[n + 1]]
        left, right = chains(rows, 1)
        inside = np.empty((len(rows), 2), np.int32)
        hull[n] = _fill(left, right, inside)
        # The pixels of the hull reach a little beyond it.
        left, right = chains(inside, 1)
        feret[n] = _largest_distance(left, right, width)


@compiled
def chains(rows: Ends, reach: int) -> tuple[Counts, Counts]:
    """Return (points, 2) y and x of the left and the right side of a hull, top down.

    In halves of a pixel; y counts from the first row.

    Parameters
    ----------
    rows
        (rows, 2) first and last column, the first above the last in rows without
        pixels.
    reach
        1 for the hull of the middles of the pixels' sides, 0 for that of their centres.
    """
    size = 2 * len(rows) + 1
    low = np.full(size, 4 * _NONE, np.int64)
    high = np.full(size, -4 * _NONE, np.int64)
    for row in range(len(rows)):
        first, last = 2 * np.int64(rows[row, 0]), 2 * np.int64(rows[row, 1])
        if first > last:
            continue
        for step in range(-reach, reach + 1):
            # The middles of the sides above and below lie half a pixel further in.
            wide = reach - abs(step)
            at = 2 * row + 1 + step
            low[at] = min(low[at], first - wide)
            high[at] = max(high[at], last + wide)
    left = np.empty((size, 2), np.int64)
    right = np.empty((size, 2), np.int64)
    lefts = rights = 0
    for at in range(size):
        if low[at] > high[at]:
            continue
        y = at - 1
        while lefts > 1 and _turn(left, lefts, y, low[at]) >= 0:
            lefts -= 1
        left[lefts, 0], left[lefts, 1] = y, low[at]
        lefts += 1
        while rights > 1 and _turn(right, rights, y, high[at]) <= 0:
            rights -= 1
        right[rights, 0], right[rights, 1] = y, high[at]
        rights += 1
    return left[:lefts], right[:rights]


@compiled
def _turn(chain: Counts, size: int, y: int, x: int) -> int:
    """Return on which side of the last point the line to a new one passes."""
    a, b = chain[size - 2], chain[size - 1]
    return (b[1] - a[1]) * (y - a[0]) - (x - a[1]) * (b[0] - a[0])


@compiled
def _fill(left: Counts, right: Counts, inside: Ends) -> int:
    """Find the pixels of each row that a hull contains; return how many there are."""
    count = 0
    i = j = 0
    for row in range(len(inside)):
        y = 2 * row
        while left[i + 1, 0] < y:
            i += 1
        while right[j + 1, 0] < y:
            j += 1
        # The first whole pixel on the right of the left side, and vice versa.
        run, rise = left[i + 1] - left[i], y - left[i, 0]
        start = -((-(left[i, 1] * run[0] + run[1] * rise)) // (2 * run[0]))
        run, rise = right[j + 1] - right[j], y - right[j, 0]
        end = (right[j, 1] * run[0] + run[1] * rise) // (2 * run[0])
        inside[row, 0], inside[row, 1] = start, end
        count += max(end - start + 1, 0)
    return count


@compiled
def _largest_distance(left: Counts, right: Counts, width: float) -> float:
    size = len(left) + len(right)
    y, x = np.empty(size), np.empty(size)
    for n in range(len(left)):
        y[n], x[n] = left[n, 0] / 2, left[n, 1] / 2 * width
    for n in range(len(right)):
        y[len(left) + n], x[len(left) + n] = right[n, 0] / 2, right[n, 1] / 2 * width
    largest = 0.0
    for a in range(size):
        for b in range(a):
            largest = max(largest, (y[a] - y[b]) ** 2 + (x[a] - x[b]) ** 2)
    return np.sqrt(largest)
