"""What makes the cells of a network clean: each is one part, and no field of doubt.

Cellpose itself does none of it, so runs that are to be exactly its own go without.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled

FloatArray = npt.NDArray[np.float32]
LabelArray = npt.NDArray[np.uint32]
Labels = npt.NDArray[np.integer]
Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int32]
Values = npt.NDArray[np.float64]

_SURE = 1.5
"""Certainty from which on the network is sure of a cell."""
_LEAST_SURE = 0.15
"""Share of sure cells below which a field counts as one without cells.

It is 0.25 at least on the images kept for validation, and 0.08 at most on synthetic
backgrounds (docs/benchmarks.md).
"""
_BEYOND_DOUBT = 1.8
"""Certainty of cells that stay on such a field."""


def certainties(
    labels: Labels, dP: FloatArray, cellprob: FloatArray, threshold: float
) -> Values:
    """Return how sure the network is of cell n at n - 1.

    Where it is not, its flows are short, since they are a mean of what it takes to be
    possible, and the probability is hardly above the threshold. The certainty is the
    mean length of the flows, 1 for that of unit vectors, and a quarter of the mean
    distance of the logit from the threshold.

    Parameters
    ----------
    labels
        Cells 1..N of a plane (Y, X).
    dP, cellprob
        Flows (2, Y, X), five times unit vectors, and cell probability (Y, X).
    """
    sums = np.zeros((2, int(labels.max(initial=0)) + 1))
    pixels = np.zeros(sums.shape[1], np.int64)
    y, x = (np.ascontiguousarray(component) for component in dP)
    cellprob = np.ascontiguousarray(cellprob)
    _add_up(np.ascontiguousarray(labels), y, x, cellprob, sums, pixels)
    length, logit = sums[:, 1:] / pixels[1:]
    return np.asarray(length / 5 + (logit - threshold) / 4)


def doubtful(certainties: Values, counted: Mask) -> Mask:
    """Return which cells of a field are to be left out, (N,) as its ``certainties``.

    On a field without cells, a network finds some in what looks a little like them; on
    one with cells, it is sure of many. So doubt about one cell says less than doubt
    about nearly all, which ``counted`` are.
    """
    found = certainties[counted]
    if not len(found) or (found >= _SURE).mean() >= _LEAST_SURE:
        return np.zeros(len(certainties), np.bool_)
    return np.asarray(certainties < _BEYOND_DOUBT)


def keep_largest_parts(labels: LabelArray) -> None:
    """Leave each cell of a plane or volume its largest connected part, in place.

    Of parts of one size, the first one stays. Pixels that touch at a corner are
    connected, as in `core.edits.components`.
    """
    volume = labels.reshape((1, *labels.shape)[-3:])
    parts = np.zeros(volume.shape, np.int32)
    roots = _find_parts(volume, parts)
    _clear_others(volume, parts, roots, int(volume.max(initial=0)))


@compiled
def _add_up(
    labels: Labels,
    flow_y: FloatArray,
    flow_x: FloatArray,
    cellprob: FloatArray,
    sums: Values,
    pixels: npt.NDArray[np.int64],
) -> None:
    """Add up the lengths of flows, and the logits, of the pixels of each cell."""
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            cell = labels[y, x]
            if cell:
                dy, dx = np.float64(flow_y[y, x]), np.float64(flow_x[y, x])
                sums[0, cell] += np.sqrt(dy * dy + dx * dx)
                sums[1, cell] += cellprob[y, x]
                pixels[cell] += 1


@compiled
def _find_parts(labels: LabelArray, parts: Numbers) -> Numbers:
    """Write the numbers of parts into ``parts``, and return the root of each number.

    Numbers with one root are of one part, the root being the lowest of them.
    """
    depth, height, width = labels.shape
    roots = np.zeros(1024, np.int32)
    used = 0
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                cell = labels[z, y, x]
                if cell == 0:
                    continue
                mine = 0
                # The 13 of its 26 neighbours that come before it; 4 in a plane.
                for n in range(0 if z else 9, 13):
                    k, j, i = z + n // 9 - 1, y + n // 3 % 3 - 1, x + n % 3 - 1
                    if k < 0 or j < 0 or j >= height or i < 0 or i >= width:
                        continue
                    if labels[k, j, i] != cell:
                        continue
                    root = parts[k, j, i]
                    while roots[root] != root:
                        root = roots[root]
                    if mine == 0:
                        mine = root
                    elif root != mine:
                        low, high = min(mine, root), max(mine, root)
                        roots[high] = low
                        mine = low
                if mine == 0:
                    used += 1
                    if used == len(roots):
                        longer = np.zeros(2 * len(roots), np.int32)
                        # numba compiles texts about shapes with a slice: a second.
                        for number in range(used):
                            longer[number] = roots[number]
                        roots = longer
                    roots[used] = used
                    mine = used
                parts[z, y, x] = mine
    # A root is lower than what it is the root of, so one pass is enough.
    for number in range(1, used + 1):
        roots[number] = roots[roots[number]]
    return roots[: used + 1]


@compiled
def _clear_others(
    labels: LabelArray, parts: Numbers, roots: Numbers, cells: int
) -> None:
    """Clear all parts of cells but the largest."""
    sizes = np.zeros(len(roots), np.int64)
    depth, height, width = labels.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                sizes[roots[parts[z, y, x]]] += 1
    best = np.zeros(cells + 1, np.int32)
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                cell, part = labels[z, y, x], roots[parts[z, y, x]]
                if cell and (best[cell] == 0 or sizes[part] > sizes[best[cell]]):
                    best[cell] = part
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                cell = labels[z, y, x]
                if cell and roots[parts[z, y, x]] != best[cell]:
                    labels[z, y, x] = 0
