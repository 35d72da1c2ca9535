"""Where to look for many cells of a label image at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled
from cellpose_studio.core.masks.cell_scan import Bounds, Ids
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels

Places = npt.NDArray[np.float64]


def places_of(
    labels: Labels, table: CellTable, cells: Sequence[int]
) -> tuple[Places, npt.NDArray[np.int64]]:
    """Return for N cells of labels what `core.masks.labels.place_of` says of each.

    Parameters
    ----------
    labels
        YX, ZYX, TYX or TZYX.
    table
        Of these labels; all ``cells`` are in it.

    Returns
    -------
    (N, axes) centroids in the plane of the largest cross-section, in pixels along each
    axis, and (N,) longest sides of the boxes in a plane.
    """
    bounds = np.array(
        [[(part.start, part.stop) for part in table.box(cell)] for cell in cells],
        np.int64,
    ).reshape(len(cells), labels.ndim, 2)
    low, high = bounds[..., 0], bounds[..., 1]
    lead = 4 - labels.ndim
    padded = np.zeros((2, len(cells), 4), np.int64)
    padded[1] = 1
    padded[0, :, lead:], padded[1, :, lead:] = low, high
    every = labels.reshape((1,) * lead + labels.shape)
    found = _places(every, np.array(cells, np.uint32), *padded)
    return found[:, lead:], (high - low)[:, -2:].max(axis=1, initial=0)


@compiled
def _places(labels: Labels, cells: Ids, low: Bounds, high: Bounds) -> Places:
    """Return (N, 4) places in labels (T, Z, Y, X); bounds are (N, 4)."""
    places = np.zeros((len(cells), 4), np.float64)
    for n in range(len(cells)):
        cell, start, stop = cells[n], low[n], high[n]
        most = 0
        for t in range(start[0], stop[0]):
            for z in range(start[1], stop[1]):
                pixels, rows, columns = 0, 0, 0
                for y in range(start[2], stop[2]):
                    line = labels[t, z, y]
                    for x in range(start[3], stop[3]):
                        if line[x] == cell:
                            pixels += 1
                            rows += y - start[2]
                            columns += x - start[3]
                if pixels > most:
                    most = pixels
                    places[n, 0], places[n, 1] = t, z
                    places[n, 2] = rows / pixels + start[2]
                    places[n, 3] = columns / pixels + start[3]
    return places
