"""Geodesic distance: the cheapest path between pixels with individual costs."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import product

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiled import compiled
from cellpose_studio.core.edits.shapes import Points

Lengths = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]


def geodesic_distance(
    costs: Lengths, seeds: Points, spacing: Sequence[float] | None = None
) -> Lengths:
    """Return the cost of the cheapest path from the nearest seed to each pixel.

    Steps lead to all neighbours, diagonal ones included; each costs its length times
    the mean of the costs at its ends (Dijkstra, Numerische Mathematik 1, 1959). Pixels
    that no path reaches are at infinity.

    Scikit-image's ``MCP_Geometric`` gives the same distances but holds the GIL, which
    would block the window while a large cell is split.

    Parameters
    ----------
    costs
        Cost of each pixel; negative ones are walls.
    seeds
        (N, axes) pixels where paths begin.
    spacing
        Size of a pixel along each axis; 1 if None.
    """
    # A border of walls spares a check of the bounds at every step.
    walled = np.pad(np.asarray(costs, np.float64), 1, constant_values=-1)
    steps = np.array([s for s in product((-1, 0, 1), repeat=costs.ndim) if any(s)])
    lengths = np.sqrt(((steps * np.array(spacing or 1.0)) ** 2).sum(axis=1))
    # With steps in the flat array, one loop serves any number of axes.
    strides = np.array(walled.strides) // walled.itemsize
    # The border shifts all pixels by one.
    begins = (np.asarray(seeds, np.int64) + 1) @ strides
    far = np.full(walled.size, np.inf)
    if len(begins):
        _spread(walled.ravel(), begins, steps @ strides, lengths, far)
    return far.reshape(walled.shape)[(slice(1, -1),) * costs.ndim]


@compiled
def _spread(
    costs: Lengths, begins: Index, steps: Index, lengths: Lengths, far: Lengths
) -> None:
    """Write into ``far`` the distance of each pixel to the nearest of ``begins``."""
    heap = [(0.0, begins[0])]
    for begin in begins:
        far[begin] = 0.0
        heappush(heap, (0.0, begin))
    while len(heap):
        way, at = heappop(heap)
        # The heap has no decrease-key, so outdated entries are skipped here.
        if way > far[at]:
            continue
        for n in range(len(steps)):
            there = at + steps[n]
            if costs[there] >= 0:
                longer = way + lengths[n] * 0.5 * (costs[at] + costs[there])
                if longer < far[there]:
                    far[there] = longer
                    heappush(heap, (longer, there))
