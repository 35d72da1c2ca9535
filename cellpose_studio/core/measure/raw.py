"""What is measured of cells before units and calibrations, in one record each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Shapes:
    """Shapes and places of N cells of one time point.

    Lengths are in px as `Scale` defines it, indices in pixels along Z, Y and X. What
    was not asked for is NaN.

    Attributes
    ----------
    pixels
        (N,) number of pixels.
    centre
        (N, 3) mean index.
    low, high
        (N, 3) bounds of the boxes; ``high`` is one beyond the last pixel.
    at_edge
        (N,) whether a cell touches the edge of the image in Y or X.
    boundary
        (N,) perimeter, or surface in a stack.
    axes
        (N, 2 or 3) lengths of the axes of the ellipse or ellipsoid, descending.
    angle
        (N,) of the long axis in a plane, degrees.
    roundness
        (N,).
    hull
        (N,) pixels in the convex hull.
    feret
        (N,) Feret diameter.
    touching
        (N,) number of cells that touch it.
    nearest, nearest_cell
        (N,) distance to the closest centre of another cell, and its id; NaN if there is
        none.
    """

    pixels: Counts
    centre: Values
    low: Counts
    high: Counts
    at_edge: npt.NDArray[np.bool_]
    boundary: Values
    axes: Values
    angle: Values
    roundness: Values
    hull: Values
    feret: Values
    touching: Values
    nearest: Values
    nearest_cell: Values


@dataclass(frozen=True, eq=False, kw_only=True)
class Intensities:
    """Intensities of N cells in one channel of one time point, calibrated.

    Attributes
    ----------
    mean, low, high, total, deviation, median
        (N,) over the pixels that are numbers; NaN, and a total of 0, if none is.
    background
        Median of the pixels outside all cells; NaN if there are none.
    """

    mean: Values
    low: Values
    high: Values
    total: Values
    deviation: Values
    median: Values
    background: float
