"""Convex hulls of cells in stacks, as those in a plane (`hulls`)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled
from cellpose_studio.core.measure.frame.hulls import Ends, chains

Steps = tuple[float, float, float]
Values = npt.NDArray[np.float64]

_ROUND_OFF = 1e-10
"""Distance beyond a face within which a voxel still lies in the hull."""


def solid_hull(ends: Ends, steps: Steps) -> tuple[int, float]:
    """Return the number of voxels in the hull of a cell, and its Feret diameter.

    Parameters
    ----------
    ends
        (planes, rows, 2) first and last column, the first above the last in rows
        without voxels.
    steps
        Size of a voxel.
    """
    from scipy.spatial import ConvexHull

    planes, rows, _ = ends.shape
    # Whole numbers near 0 are exact, and so are the faces of small cells.
    near = ends - int(ends[..., 0].min())
    hull = ConvexHull(_corners(near))
    inside = np.empty((planes, rows, 2), np.int32)
    count = _fill(hull.equations, inside, int(near[..., 1].max()))
    # The voxels of the hull reach a little beyond it.
    return count, _largest_distance(_corners(inside) * steps)


@compiled
def _corners(ends: Ends) -> Values:
    """Return (points, 3) middles of faces of voxels, all those that a hull can need.

    They are the corners of the hulls of each plane.
    """
    planes, rows, _ = ends.shape
    found = np.empty((planes * (12 * rows + 6), 3))
    count = 0
    for plane in range(planes):
        for reach in range(2):
            for chain in chains(ends[plane], reach):
                for n in range(len(chain)):
                    # Above and below the plane, the hull is that of the centres.
                    for z in range(-1, 2):
                        if abs(z) + reach == 1:
                            found[count, 0] = plane + z / 2
                            found[count, 1] = chain[n, 0] / 2
                            found[count, 2] = chain[n, 1] / 2
                            count += 1
    return found[:count]


@compiled
def _fill(faces: Values, inside: Ends, highest: int) -> int:
    """Find the voxels of each row that a hull contains; return how many there are.

    Parameters
    ----------
    faces
        (faces, 4) normals along Z, Y and X, and offsets; the inside is negative.
    """
    count = 0
    for z in range(inside.shape[0]):
        for y in range(inside.shape[1]):
            low, high = 0.0, float(highest)
            for face in faces:
                rest = face[0] * z + face[1] * y + face[3] - _ROUND_OFF
                if face[2] > 0:
                    high = min(high, -rest / face[2])
                elif face[2] < 0:
                    low = max(low, -rest / face[2])
                elif rest > 0:
                    high = -1.0
            start, end = int(np.ceil(low)), int(np.floor(high))
            inside[z, y, 0], inside[z, y, 1] = start, end
            count += max(end - start + 1, 0)
    return count


@compiled
def _largest_distance(points: Values) -> float:
    largest = 0.0
    for a in range(len(points)):
        for b in range(a):
            square = 0.0
            for axis in range(points.shape[1]):
                square += (points[a, axis] - points[b, axis]) ** 2
            largest = max(largest, square)
    return np.sqrt(largest)
