"""How far it is from pixel to pixel when each has its own cost."""

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
    costs: Lengths, places: Points, spacing: Sequence[float] | None = None
) -> Lengths:
    """Return for each pixel how long the cheapest way from the nearest place is.

    Steps go to all neighbours, also across corners; each costs its length times the
    mean of the costs at its ends (Dijkstra, Numerische Mathematik 1, 1959). Other
    threads run meanwhile. Pixels that no way leads to are infinitely far.

    Parameters
    ----------
    costs
        Of each pixel; negative ones are walls.
    places
        (N, axes), where ways begin, px.
    spacing
        Size of a pixel along each axis; 1 if None.
    """
    # Walls all around spare looking for the border.
    walled = np.pad(np.asarray(costs, np.float64), 1, constant_values=-1)
    steps = np.array([s for s in product((-1, 0, 1), repeat=costs.ndim) if any(s)])
    lengths = np.sqrt(((steps * np.array(spacing or 1.0)) ** 2).sum(axis=1))
    strides = np.array(walled.strides) // walled.itemsize
    begins = (np.asarray(places, np.int64) + 1) @ strides
    far = np.full(walled.size, np.inf)
    if len(begins):
        _spread(walled.ravel(), begins, steps @ strides, lengths, far)
    return far.reshape(walled.shape)[(slice(1, -1),) * costs.ndim]


@compiled
def _spread(
    costs: Lengths, begins: Index, steps: Index, lengths: Lengths, far: Lengths
) -> None:
    """Write into ``far`` how far each pixel is from the nearest of ``begins``."""
    heap = [(0.0, begins[0])]
    for begin in begins:
        far[begin] = 0.0
        heappush(heap, (0.0, begin))
    while len(heap):
        way, at = heappop(heap)
        if way > far[at]:
            continue
        for n in range(len(steps)):
            there = at + steps[n]
            if costs[there] >= 0:
                longer = way + lengths[n] * 0.5 * (costs[at] + costs[there])
                if longer < far[there]:
                    far[there] = longer
                    heappush(heap, (longer, there))
