"""Convex hulls of all cells of one time point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.measure.frame import cell_pass, hulls
from cellpose_studio.core.measure.frame.slabs import Part, Slab, Volume, bands
from cellpose_studio.core.measure.frame.solid_hulls import solid_hull
from cellpose_studio.core.measure.frame.workers import Workers
from cellpose_studio.core.measure.inputs import Ids

Counts = npt.NDArray[np.int64]
Steps = tuple[float, float, float]
Sums = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


def measure_hulls(
    volume: Volume,
    parts: Sequence[Part],
    ids: Ids,
    sums: Sums,
    steps: Steps,
    deep: bool,
    workers: Workers,
) -> tuple[Values, Values]:
    """Return (N,) numbers of pixels in the hulls of cells, and their Feret diameters.

    Parameters
    ----------
    sums
        As of `cell_pass.measure_band`.
    """
    low = np.ascontiguousarray(sums[:, cell_pass.LOW_Z : cell_pass.LOW_X + 1])
    high = np.ascontiguousarray(sums[:, cell_pass.HIGH_Z : cell_pass.HIGH_X + 1])
    rows = np.prod(high[:, :2] - low[:, :2], axis=1)
    first = np.concatenate([np.zeros(1, np.int64), np.cumsum(rows)])
    ends = hulls.new_ends(int(first[-1]))
    for part in parts:
        seen = Slab(volume, part, around=False)

        def widen(_: int, share: Sequence[Part], seen: Slab = seen) -> None:
            for band in workers.each(share):
                place = band.planes.start, band.rows.start
                hulls.widen_rows(seen.plane(band), ids, first, place, low, high, ends)

        workers.share(bands(part, volume.shape[2]), widen)
    hull, feret = np.empty(len(ids)), np.empty(len(ids))

    def measure(_: int, share: Sequence[Counts]) -> None:
        for cells in workers.each(share):
            if not deep:
                a, b = int(cells[0]), int(cells[-1]) + 1
                hulls.plane_hulls(
                    ends, first[a : b + 1], steps[2] / steps[1], hull[a:b], feret[a:b]
                )
                continue
            for cell in workers.each(cells.tolist()):
                of = ends[first[cell] : first[cell + 1]]
                planes = int(high[cell, 0] - low[cell, 0])
                hull[cell], feret[cell] = solid_hull(of.reshape(planes, -1, 2), steps)

    groups = np.array_split(np.arange(len(ids)), 16 * workers.count)
    workers.share([cells for cells in groups if len(cells)], measure)
    return hull, feret
