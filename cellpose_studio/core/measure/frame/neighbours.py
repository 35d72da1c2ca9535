"""Which cells touch, and how far apart cells are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.measure.frame.cell_pass import Ids, Pairs

Values = npt.NDArray[np.float64]


def touching_cells(pairs: Pairs, ids: Ids) -> Values:
    """Return (N,) numbers of cells that touch each cell.

    Parameters
    ----------
    pairs
        One higher id in the upper, one lower id in the lower 32 bits; each pair once.
    ids
        (N,) of all cells, ascending.
    """
    ends = np.concatenate([pairs >> np.uint64(32), pairs & np.uint64(0xFFFFFFFF)])
    rows = np.searchsorted(ids, ends.astype(np.uint32))
    return np.bincount(rows, minlength=len(ids)).astype(np.float64)


def nearest_cells(centres: Values, ids: Ids) -> tuple[Values, Values]:
    """Return (N,) distances to the closest other centre, and the ids of its cells.

    Both are NaN for a single cell.

    Parameters
    ----------
    centres
        (N, axes) in one unit.
    """
    from scipy.spatial import cKDTree

    if len(ids) < 2:
        return np.full(len(ids), np.nan), np.full(len(ids), np.nan)
    found = cKDTree(centres).query(centres, k=2)
    distances, rows = np.asarray(found[0]), np.asarray(found[1])
    # Of cells with the same centre, a cell itself need not be the first one found.
    other = np.where(rows[:, 0] == np.arange(len(ids)), 1, 0)
    every = np.arange(len(ids))
    return distances[every, other], ids[rows[every, other]].astype(np.float64)
