"""The oldest ``_seg.npy`` files: cells as the strokes that a user drew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import MasksUnreadable


def draw_strokes(
    cells: list[Any], stored: dict[str, Any], path: Path
) -> npt.NDArray[np.int32]:
    """Return a ZYX label image of ``cells``, each a list of strokes.

    A stroke has rows (z, y, x, ignored) along the outline, in one plane. Cells are
    drawn last to first, as in Cellpose, and never over each other.

    Raises
    ------
    MasksUnreadable
        If the size of the image is unknown, or a stroke has an unknown form.
    """
    labels = np.zeros(_size(stored, path), np.int32)
    for number, cell in enumerate(reversed(cells), start=1):
        for plane, corners in _strokes(cell, path):
            if 0 <= plane < len(labels):
                _fill(labels[plane], corners, number)
    return labels


def _fill(plane: npt.NDArray[np.int32], corners: npt.NDArray[Any], number: int) -> None:
    import cv2

    inside = np.zeros(plane.shape, np.uint8)
    # OpenCV expects x before y.
    cv2.fillPoly(inside, [corners[:, ::-1].astype(np.int32)], 1)
    plane[(inside > 0) & (plane == 0)] = number


def _strokes(cell: Any, path: Path) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Yield the plane and the (y, x) of each stroke."""
    for stroke in cell if isinstance(cell, list | tuple) else [cell]:
        try:
            points = np.hstack([np.ravel(part) for part in stroke]).reshape(-1, 4)
            points = points.astype(float)
        except (TypeError, ValueError) as error:
            raise _unusual(path) from error
        # Coordinates beyond this limit are in no image, and might not fit into int32
        # below.
        if not np.isfinite(points).all() or np.abs(points).max(initial=0) > 1e6:
            raise _unusual(path)
        if len(points):
            yield int(points[0, 0]), points[:, 1:3]


def _size(stored: dict[str, Any], path: Path) -> tuple[int, ...]:
    """Return planes, height and width of the stored image, or of the probability."""
    image, flows = stored.get("img"), stored.get("flows")
    if isinstance(image, np.ndarray) and image.ndim in (2, 3, 4):
        colours = image.ndim > 2 and image.shape[-1] <= 4
        shape = image.shape[:-1] if colours else image.shape
        return (*([1] * (3 - len(shape))), *shape)
    if isinstance(flows, list) and len(flows) > 1:
        probability = flows[1]
        if isinstance(probability, np.ndarray) and probability.ndim == 3:
            return probability.shape
    raise MasksUnreadable(
        f"{path.name} has outlines only, without the size of the image.",
        "Open it in the Cellpose version that it comes from, and save it again.",
    )


def _unusual(path: Path) -> MasksUnreadable:
    return MasksUnreadable(f"{path.name} has outlines in an unknown form.")
