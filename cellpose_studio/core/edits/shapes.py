"""Rasterises strokes, outlines and lines that a user draws on a plane.

Points are (N, 2), y and x in pixels; the centre of the first pixel is (0, 0). Pixels
outside the plane are clipped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.edits.changes import Mask
from cellpose_studio.core.masks.cell_table import Box

Points = npt.NDArray[np.floating] | npt.NDArray[np.integer]
Pixels = npt.NDArray[np.int64]

_THIN = 2.0  # px
_LONG = 6.0  # px, of a shape of 1 px


@dataclass(frozen=True, eq=False)
class Patch:
    """Pixels of a plane.

    Attributes
    ----------
    box
        Their rows and columns.
    mask
        Which pixels of the box, of its shape.
    """

    box: Box
    mask: Mask

    def inside(self, box: Box) -> Mask:
        """Return the mask of another box: which of its pixels belong to the patch."""
        found = np.zeros([part.stop - part.start for part in box], bool)
        start = [max(a.start, b.start) for a, b in zip(box, self.box, strict=True)]
        stop = [min(a.stop, b.stop) for a, b in zip(box, self.box, strict=True)]
        if all(a < b for a, b in zip(start, stop, strict=True)):
            there, here = (
                tuple(
                    slice(a - part.start, b - part.start)
                    for a, b, part in zip(start, stop, whole, strict=True)
                )
                for whole in (box, self.box)
            )
            found[there] = self.mask[here]
        return found


def brush(points: Points, size: float, shape: tuple[int, int]) -> Patch:
    """Return the pixels under a round brush that is moved along points.

    ``size`` is its diameter in pixels; a diameter of 1 draws single pixels.
    """
    at = np.round(points).astype(np.int64)
    reach = int(size / 2) + 1
    corner = at.min(axis=0) - reach
    mask = np.zeros(at.max(axis=0) + reach + 1 - corner, bool)
    ends = at[1:] if len(at) > 1 else at
    for start, stop in zip(at, ends, strict=False):
        low = np.minimum(start, stop) - reach - corner
        high = np.maximum(start, stop) + reach + 1 - corner
        # Each segment has its own box, because that of a long stroke is large.
        box = np.s_[low[0] : high[0], low[1] : high[1]]
        mask[box] |= _within_reach(
            start - corner - low, stop - corner - low, high - low, size
        )
    return _clip(corner, mask, shape)


def outline(points: Points, shape: tuple[int, int]) -> Patch:
    """Return the pixels inside a closed line and those under it.

    It is filled as Cellpose's GUI does it: OpenCV's ``fillPoly`` on whole pixels.
    """
    import cv2

    at = np.round(points).astype(np.int64)
    corner = at.min(axis=0)
    mask = np.zeros(at.max(axis=0) + 1 - corner, np.uint8)
    cv2.fillPoly(mask, [(at - corner)[:, ::-1].astype(np.int32)], (1,))
    return _clip(corner, mask.astype(bool), shape)


def is_line(patch: Patch) -> bool:
    """Return whether a patch is a line rather than the shape of a cell.

    An outline of a few points encloses next to nothing, as does one that is drawn back
    upon itself.
    """
    length = float(np.hypot(*patch.mask.shape))
    width = int(patch.mask.sum()) / max(length, 1.0)
    # A short shape may be thin, a long one is suspect: 1 by 6 px, or 2 by 24.
    return 0 < width < _THIN and length > _LONG * width**2


def line(points: Points, shape: tuple[int, int]) -> Pixels:
    """Return (N, 2) pixels along a line, in its order, 4-connected.

    Diagonal steps are avoided: a cell would stay connected across them.
    """
    from skimage.draw import line as straight

    at = np.round(points).astype(np.int64).tolist()
    pieces = [
        np.stack(straight(*start, *stop), axis=1)
        for start, stop in zip(at, at[1:] or at, strict=False)
    ]
    way = np.concatenate(pieces)
    steps = np.diff(way, axis=0)
    corners = np.flatnonzero((steps != 0).all(axis=1))
    between = np.stack([way[corners + 1, 0], way[corners, 1]], axis=1)
    way = np.insert(way, corners + 1, between, axis=0)
    return way[((way >= 0) & (way < shape)).all(axis=1)]


def _within_reach(start: Pixels, stop: Pixels, shape: Pixels, size: float) -> Mask:
    """Return which pixels are at most half of ``size`` from a line segment."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    dy, dx = (stop - start).tolist()
    along = (y - start[0]) * dy + (x - start[1]) * dx
    # A segment of a single point has no length to divide by.
    share = np.clip(along / max(dy * dy + dx * dx, 1), 0, 1)
    away = (y - start[0] - share * dy) ** 2 + (x - start[1] - share * dx) ** 2
    # Rounding must not exclude pixels that lie exactly on the rim.
    return away <= (size / 2) ** 2 + 1e-9


def _clip(corner: Pixels, mask: Mask, shape: tuple[int, int]) -> Patch:
    """Return a mask whose first pixel is at ``corner``, clipped to a plane."""
    start = np.clip(corner, 0, shape)
    stop = np.clip(corner + mask.shape, start, shape)
    box = tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    rows, columns = (
        slice(int(a), int(b))
        for a, b in zip(start - corner, stop - corner, strict=True)
    )
    return Patch(box, mask[rows, columns])
