"""Compiled loops that sort the grey values of an image by cell, and describe them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled
from cellpose_studio.core.measure.frame.cell_pass import Ids, Labels, index_of

Counts = npt.NDArray[np.int64]
Grey = npt.NDArray[Any]
Values = npt.NDArray[np.float64]

MEAN, LOW, HIGH, TOTAL, DEVIATION, MEDIAN, FINITE = range(7)
"""Columns of what is found of the values of a cell."""


@compiled
def count_pixels(plane: Labels, ids: Ids, counts: Counts) -> None:
    """Add the number of pixels of each cell in a plane."""
    for row in plane:
        x, width = 0, len(row)
        while x < width:
            cell, start = row[x], x
            while x < width and row[x] == cell:
                x += 1
            if cell != 0:
                counts[index_of(ids, cell)] += x - start


@compiled
def sort_values(
    plane: Labels, pixels: Grey, ids: Ids, ends: Counts, values: Grey
) -> None:
    """Put each pixel of a cell where its values end so far, and move that end."""
    for y in range(len(plane)):
        row, grey = plane[y], pixels[y]
        x, width = 0, len(row)
        while x < width:
            cell, start = row[x], x
            while x < width and row[x] == cell:
                x += 1
            if cell == 0:
                continue
            number = index_of(ids, cell)
            at = ends[number]
            # numba compiles texts about shapes with a slice, which takes a second.
            for n in range(start, x):
                values[at + n - start] = grey[n]
            ends[number] = at + x - start


@compiled
def copy_parts(
    values: Grey, starts: Counts, stops: Counts, others: Grey, at: Counts
) -> None:
    """Copy parts of values to other places."""
    for n in range(len(starts)):
        for k in range(stops[n] - starts[n]):
            others[at[n] + k] = values[starts[n] + k]


@compiled
def background(
    plane: Labels, pixels: Grey, first: int, step: int, found: Values
) -> int:
    """Take every ``step``-th pixel that is outside all cells; return how many.

    ``first`` is the number of the first pixel of the plane in the image.
    """
    height, width = plane.shape
    count = 0
    at = -first % step
    while at < height * width:
        y, x = at // width, at % width
        value = float(pixels[y, x])
        if plane[y, x] == 0 and np.isfinite(value):
            found[count] = value
            count += 1
        at += step
    return count


@compiled
def describe(
    values: Grey, starts: Counts, stops: Counts, rows: Counts, found: Values
) -> None:
    """Describe parts of values, one for each row of the result; sorts within them."""
    for n in range(len(starts)):
        of = values[starts[n] : stops[n]]
        size = 0
        total = 0.0
        low, high = np.inf, -np.inf
        for k in range(len(of)):
            value = float(of[k])
            if not np.isfinite(value):
                continue
            # Those that are numbers move to the front.
            of[size] = of[k]
            size += 1
            total += value
            low, high = min(low, value), max(high, value)
        result = found[rows[n]]
        result[FINITE] = size
        result[TOTAL] = total
        if size == 0:
            continue
        mean = total / size
        squares, rest = 0.0, 0.0
        for k in range(size):
            off = float(of[k]) - mean
            squares += off * off
            rest += off
        result[MEAN] = mean
        result[LOW] = low
        result[HIGH] = high
        result[DEVIATION] = np.sqrt(max(squares / size - (rest / size) ** 2, 0.0))
        result[MEDIAN] = _median(of[:size])


@compiled
def _median(values: Grey) -> float:
    size = len(values)
    upper = float(_select(values, size // 2))
    if size % 2:
        return upper
    # After the selection, lower values are on the left.
    lower = float(values[0])
    for k in range(1, size // 2):
        lower = max(lower, float(values[k]))
    return lower / 2 + upper / 2


@compiled
def _select(values: Grey, rank: int) -> Any:
    """Return the value of a rank, from 0; lower ones are on its left afterwards."""
    first, last = 0, len(values) - 1
    while first < last:
        pivot = values[(first + last) // 2]
        i, j = first, last
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            last = j
        elif rank >= i:
            first = i
        else:
            break
    return values[rank]
