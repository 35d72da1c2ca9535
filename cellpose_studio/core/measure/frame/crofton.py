"""Perimeters and surfaces by Crofton's formula.

The number of times that lines of one direction cross the outline, times the distance of
the lines, is the width of the outline across that direction, counted at each crossing.
The mean over all directions gives the perimeter (times π / 2) or the surface (times 2);
each direction between pixels and their neighbours stands for those closest to it.

References
----------
D. Legland, K. Kiêu, M.-F. Devaux (2007): Computation of Minkowski measures on 2D and 3D
binary images. Image Analysis and Stereology 26, 83-92.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.measure.frame.cell_pass import (
    SIDE_X,
    SIDE_Y,
    SIDE_YX,
    SIDE_Z,
    SIDE_ZX,
    SIDE_ZY,
    SIDE_ZYX,
)

Steps = tuple[float, float, float]
Values = npt.NDArray[np.float64]
Sums = npt.NDArray[np.int64]

_SIDES: dict[tuple[int, ...], int] = {
    (0, 0, 1): SIDE_X,
    (0, 1, 0): SIDE_Y,
    (0, 1, 1): SIDE_YX,
    (1, 0, 0): SIDE_Z,
    (1, 0, 1): SIDE_ZX,
    (1, 1, 0): SIDE_ZY,
    (1, 1, 1): SIDE_ZYX,
}
"""Column of the sums by the axes along which a neighbour is another pixel."""


def perimeters(sums: Sums, steps: Steps) -> Values:
    """Return (N,) perimeters of the cells of a plane, in the unit of the steps."""
    _, height, width = steps
    angle = math.atan2(height, width)
    diagonal = height * width / math.hypot(height, width)
    # Angles from halfway to the next direction on one side to halfway on the other.
    along_x = angle * height
    along_y = (math.pi / 2 - angle) * width
    # Both diagonals together stand for half of all directions.
    slanting = math.pi / 4 * diagonal
    return (
        along_x * sums[:, SIDE_X]
        + along_y * sums[:, SIDE_Y]
        + slanting * sums[:, SIDE_YX]
    ) / 2


def surfaces(sums: Sums, steps: Steps) -> Values:
    """Return (N,) surfaces of the cells of a stack, in squared units of the steps."""
    found = np.zeros(len(sums))
    for axes, factor in _surface_factors(steps):
        found += factor * sums[:, _SIDES[axes]]
    return found


@lru_cache(maxsize=16)
def _surface_factors(steps: Steps) -> tuple[tuple[tuple[int, ...], float], ...]:
    """Return what one crossing is worth, by the axes of the direction."""
    from scipy.spatial import SphericalVoronoi

    offsets = [o for o in itertools.product((-1, 0, 1), repeat=3) if any(o)]
    vectors = np.array(offsets, np.float64) * steps
    lengths = np.linalg.norm(vectors, axis=1)
    areas = SphericalVoronoi(vectors / lengths[:, None]).calculate_areas()
    factors: dict[tuple[int, ...], float] = {}
    for offset, length, area in zip(offsets, lengths, areas, strict=True):
        axes = tuple(map(abs, offset))
        # Lines of one direction lie as far apart as the volume of a voxel allows.
        factors[axes] = 2 * (2 * area / (4 * math.pi)) * math.prod(steps) / length
    return tuple(factors.items())
