"""Stitching: merges cells of neighbouring planes by their overlap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint32]


def stitch_planes(
    planes: npt.NDArray[np.uint32], threshold: float
) -> npt.NDArray[np.uint32]:
    """Return planes (Z, Y, X) in which overlapping cells share one id.

    The rule is that of Cellpose's ``utils.stitch3D``: a cell takes the id of the
    cell below that it overlaps most, if their IoU is at least ``threshold`` and no
    other cell of its plane overlaps that one more. Unlike in Cellpose, cells above an
    empty plane never share an id with others, and only overlapping pairs take memory.
    """
    result = np.zeros_like(planes)
    result[0] = planes[0]
    used = int(planes[0].max(initial=0))
    for z in range(1, len(planes)):
        ids, used = _continued(planes[z], result[z - 1], threshold, used)
        result[z] = ids[planes[z]]
    return result


def _continued(
    plane: Plane, below: Plane, threshold: float, used: int
) -> tuple[npt.NDArray[np.uint32], int]:
    """Return the id of each cell of ``plane`` by its number, and the last id used."""
    cells = int(plane.max(initial=0))
    ids = np.zeros(cells + 1, np.uint32)
    upper, lower = _partners(plane, below, threshold)
    ids[upper] = lower
    areas = np.bincount(plane.ravel(), minlength=cells + 1)
    # Numbers without pixels are no cells and use up no id.
    new = np.flatnonzero((ids == 0) & (areas > 0))
    new = new[new > 0]
    ids[new] = np.arange(used + 1, used + 1 + len(new))
    return ids, used + len(new)


def _partners(plane: Plane, below: Plane, threshold: float) -> npt.NDArray[np.int64]:
    """Return (2, n): cells, and the cells below that they are merged with."""
    both = (plane > 0) & (below > 0)
    # One integer per pair sorts much faster than two.
    base = int(below.max(initial=0)) + 1
    keys = plane[both].astype(np.int64) * base + below[both]
    keys, shared = np.unique(keys, return_counts=True)
    upper, lower = pairs = np.stack(np.divmod(keys, base))
    union = np.bincount(plane.ravel())[upper] + np.bincount(below.ravel())[lower]
    iou = shared / (union - shared)
    pairs, iou = pairs[:, iou >= threshold], iou[iou >= threshold]
    # A lower cell continues in one upper cell only, so its best partner is chosen
    # first. Cellpose chooses in the same order.
    for this, other in ((1, 0), (0, 1)):
        best = _best(pairs[this], pairs[other], iou)
        pairs, iou = pairs[:, best], iou[best]
    return pairs


def _best(
    cells: npt.NDArray[np.int64],
    others: npt.NDArray[np.int64],
    iou: npt.NDArray[np.float64],
) -> npt.NDArray[np.int64]:
    """Return the best pair of each of ``cells``; ties go to the lowest other."""
    # The last key sorts first, and `np.unique` returns the first row of each cell,
    # which is the one with the largest overlap.
    order = np.lexsort((others, -iou, cells))
    return order[np.unique(cells[order], return_index=True)[1]]
