"""Cheapest paths between pixels with individual costs."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import product

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.compiling.compiled import compiled
from cellpose_studio.core.edits.shapes import Points

Lengths = npt.NDArray[np.float64]
Zones = npt.NDArray[np.int32]
Index = npt.NDArray[np.int64]


def geodesic_distance(
    costs: Lengths,
    seeds: Points,
    spacing: Sequence[float] | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[Lengths, Zones]:
    """Return the cost of the cheapest path to each pixel, and the seed it begins at.

    Steps lead to all neighbours, diagonal ones included; each costs its length times
    the mean of the costs at its ends (Dijkstra, Numerische Mathematik 1, 1959). Pixels
    that no path reaches are at infinity. Seeds are numbered from 1, and 0 is none; the
    pixels of each are connected.

    Scikit-image's ``MCP_Geometric`` gives the same distances but holds the GIL, which
    would block the window while a large cell is split, and cannot be stopped.

    Parameters
    ----------
    costs
        Cost of each pixel; negative ones are walls.
    seeds
        (N, axes) pixels where paths begin.
    spacing
        Size of a pixel along each axis; 1 if None.
    """
    checkpoint = checkpoint or Checkpoint()
    # A border of walls spares a check of the bounds at every step.
    walled = np.pad(np.asarray(costs, np.float64), 1, constant_values=-1)
    steps = np.array([s for s in product((-1, 0, 1), repeat=costs.ndim) if any(s)])
    lengths = np.sqrt(((steps * np.array(spacing or 1.0)) ** 2).sum(axis=1))
    # With steps in the flat array, one loop serves any number of axes.
    strides = np.array(walled.strides) // walled.itemsize
    # The border shifts all pixels by one.
    begins = (np.asarray(seeds, np.int64) + 1) @ strides
    checkpoint.check()
    far, zones = np.full(walled.size, np.inf), np.zeros(walled.size, np.int32)
    if len(begins):
        near = steps @ strides, lengths
        _spread(walled.ravel(), begins, near, (far, zones), checkpoint.stop_flag)
    checkpoint.check()
    inner = (slice(1, -1),) * costs.ndim
    return far.reshape(walled.shape)[inner], zones.reshape(walled.shape)[inner]


@compiled
def _spread(
    costs: Lengths,
    begins: Index,
    near: tuple[Index, Lengths],
    found: tuple[Lengths, Zones],
    stop: npt.NDArray[np.bool_],
) -> None:
    """Write into ``found`` the distance of each pixel and its seed, until ``stop``."""
    (steps, lengths), (far, zones) = near, found
    heap = [(0.0, begins[0])]
    for n, begin in enumerate(begins):
        far[begin], zones[begin] = 0.0, n + 1
        heappush(heap, (0.0, begin))
    while len(heap) and not stop[0]:
        way, at = heappop(heap)
        # The heap has no decrease-key, so outdated entries are skipped here.
        if way > far[at]:
            continue
        for n in range(len(steps)):
            there = at + steps[n]
            if costs[there] >= 0:
                longer = way + lengths[n] * 0.5 * (costs[at] + costs[there])
                if longer < far[there]:
                    far[there], zones[there] = longer, zones[at]
                    heappush(heap, (longer, there))
