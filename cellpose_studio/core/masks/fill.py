"""Drawing regions into a plane of labels: closed lines, and runs of pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled

Plane = npt.NDArray[np.uint32]


@compiled
def pixel_at(place: float, size: int) -> int:
    """Return a place along an axis as a pixel from 0 to ``size``; NaN as 0.

    A number beyond all integers must not become one: what comes out is undefined in
    compiled code, and would be a pixel outside of the plane.
    """
    if not place > 0:
        return 0
    return size if place >= size else int(place)


@compiled
def fill_rings(
    plane: Plane,
    cell: int,
    points: npt.NDArray[np.float64],
    starts: npt.NDArray[np.int64],
) -> tuple[int, int]:
    """Give ``cell`` to the pixels whose centres lie within an odd number of lines.

    Parameters
    ----------
    plane
        (Y, X), written to. Pixel (0, 0) reaches from (0, 0) to (1, 1).
    points
        (N, 2) of (x, y), those of one closed line after the other.
    starts
        (L + 1,) where each line begins, and the end of the last.

    Returns
    -------
    tuple of int
        Pixels of the region within the plane, and those of them that belonged to
        another cell.
    """
    height, width = plane.shape
    inside, taken = 0, 0
    if len(points) == 0:
        return inside, taken
    top = pixel_at(np.floor(points[:, 1].min()), height)
    bottom = pixel_at(np.ceil(points[:, 1].max()), height)
    crossings = np.empty(len(points), np.float64)
    for row in range(top, bottom):
        y = row + 0.5
        count = 0
        for line in range(len(starts) - 1):
            last = starts[line + 1] - 1
            for n in range(starts[line], starts[line + 1]):
                y0, y1 = points[last, 1], points[n, 1]
                if (y0 <= y) != (y1 <= y):
                    x0, x1 = points[last, 0], points[n, 0]
                    crossings[count] = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
                    count += 1
                last = n
        crossings[:count].sort()
        for n in range(0, count - 1, 2):
            left = pixel_at(np.ceil(crossings[n] - 0.5), width)
            right = pixel_at(np.ceil(crossings[n + 1] - 0.5), width)
            for x in range(left, right):
                inside += 1
                taken += plane[row, x] != 0 and plane[row, x] != cell
                plane[row, x] = cell
    return inside, taken


@compiled
def fill_runs(
    plane: Plane, cell: int, lengths: npt.NDArray[np.int64]
) -> tuple[int, int]:
    """Give ``cell`` to runs of pixels, as `fill_rings` does.

    ``lengths`` (N,) are those of background and cell in turn, counted down the first
    column, then down the next. They must not go beyond the plane.
    """
    height = plane.shape[0]
    inside, taken, at = 0, 0, 0
    for n in range(len(lengths)):
        if n % 2:
            for pixel in range(at, at + lengths[n]):
                x, y = divmod(pixel, height)
                inside += 1
                taken += plane[y, x] != 0 and plane[y, x] != cell
                plane[y, x] = cell
        at += lengths[n]
    return inside, taken
