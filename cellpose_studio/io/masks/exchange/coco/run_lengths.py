"""Masks as lengths of runs of pixels, in the text that COCO's tools use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled

Labels = npt.NDArray[np.uint32]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class CellRuns:
    """One cell of a plane.

    Attributes
    ----------
    cell, pixels
        Its id and its size.
    box
        Left, top, width and height.
    counts
        Lengths of background and cell in turn, down the columns, as text.
    """

    cell: int
    pixels: int
    box: tuple[int, int, int, int]
    counts: str


def runs_of_cells(labels: Labels) -> Iterator[CellRuns]:
    """Yield the cells of a plane (Y, X), ids ascending; releases the GIL."""
    height, width = labels.shape
    cells, begins, ends = _column_runs(np.ascontiguousarray(labels.T))
    if not len(cells):
        return
    order = np.argsort(cells, kind="stable")
    cells, begins, ends = cells[order], begins[order], ends[order]
    ids, first = np.unique(cells, return_index=True)
    bounds = np.append(first, len(cells))
    pixels = np.add.reduceat(ends - begins, first).tolist()
    left = begins[first] // height
    right = begins[bounds[1:] - 1] // height
    top = np.minimum.reduceat(begins % height, first)
    bottom = np.maximum.reduceat((ends - 1) % height, first)
    boxes = np.stack([left, top, right - left + 1, bottom - top + 1], axis=1).tolist()
    text, stops = _encoded(begins, ends, bounds, height * width)
    letters = text.tobytes().decode("ascii")
    starts = [0, *stops[:-1].tolist()]
    for n, cell in enumerate(ids.tolist()):
        yield CellRuns(
            cell=cell,
            pixels=pixels[n],
            box=tuple(boxes[n]),
            counts=letters[starts[n] : stops[n]],
        )


def decoded_runs(counts: str) -> Numbers:
    """Return the lengths (N,) that a text stands for.

    Raises
    ------
    ValueError
        If it is no such text.
    """
    return _decoded(np.frombuffer(counts.encode("ascii"), np.uint8))


@compiled
def _column_runs(columns: Labels) -> tuple[Labels, Numbers, Numbers]:
    """Return the cell, the begin and the end of each run, in labels (X, Y)."""
    width, height = columns.shape
    cells = np.empty(1024, np.uint32)
    begins, ends = np.empty(1024, np.int64), np.empty(1024, np.int64)
    count = 0
    for x in range(width):
        line = columns[x]
        y = 0
        while y < height:
            cell, start = line[y], y
            while y < height and line[y] == cell:
                y += 1
            if cell == 0:
                continue
            if count == len(cells):
                cells = np.concatenate((cells, np.empty_like(cells)))
                begins = np.concatenate((begins, np.empty_like(begins)))
                ends = np.concatenate((ends, np.empty_like(ends)))
            cells[count] = cell
            begins[count], ends[count] = x * height + start, x * height + y
            count += 1
    return cells[:count].copy(), begins[:count].copy(), ends[:count].copy()


@compiled
def _encoded(
    begins: Numbers, ends: Numbers, bounds: Numbers, size: int
) -> tuple[npt.NDArray[np.uint8], Numbers]:
    """Return the texts of all cells, one after the other, and where each ends."""
    text = np.empty(4096, np.uint8)
    stops = np.empty(len(bounds) - 1, np.int64)
    at = 0
    for n in range(len(bounds) - 1):
        lengths = np.empty(2 * (bounds[n + 1] - bounds[n]) + 1, np.int64)
        count, end = 0, 0
        for run in range(bounds[n], bounds[n + 1]):
            # A run that ends at the bottom may go on at the top of the next column.
            if count and begins[run] == end:
                lengths[count - 1] += ends[run] - begins[run]
            else:
                lengths[count] = begins[run] - end
                lengths[count + 1] = ends[run] - begins[run]
                count += 2
            end = ends[run]
        if end < size:
            lengths[count] = size - end
            count += 1
        # A number of 64 bits takes 13 letters at most.
        while at + 13 * count > len(text):
            text = np.concatenate((text, np.empty_like(text)))
        for i in range(count):
            # After the first lengths, only the difference to the one before the last
            # is stored.
            rest = lengths[i] - (lengths[i - 2] if i > 2 else 0)
            more = True
            while more:
                bits = rest & 31
                rest >>= 5
                more = rest != (-1 if bits & 16 else 0)
                text[at] = (bits | 32 if more else bits) + 48
                at += 1
        stops[n] = at
    return text[:at].copy(), stops


@compiled
def _decoded(text: npt.NDArray[np.uint8]) -> Numbers:
    lengths = np.empty(len(text), np.int64)
    count, at = 0, 0
    while at < len(text):
        number, shift, more = np.int64(0), 0, True
        while more:
            if at == len(text) or not 48 <= text[at] < 112 or shift > 60:
                raise ValueError("no lengths of runs")
            bits = np.int64(text[at]) - 48
            at += 1
            number |= (bits & 31) << shift
            shift += 5
            more = bits & 32 != 0
            if not more and bits & 16:
                number |= np.int64(-1) << shift
        if count > 2:
            number += lengths[count - 2]
        if number < 0:
            raise ValueError("no lengths of runs")
        lengths[count] = number
        count += 1
    return lengths[:count].copy()
