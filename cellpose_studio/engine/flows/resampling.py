"""Parts of an array that is resized, without resizing all of it.

The numbers are those of OpenCV's linear interpolation, which Cellpose resizes with.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.engine.flows.boxes import Box, Shape

FloatArray = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]


def needed(box: Box, source: Shape, target: Shape) -> Box:
    """Return the box of ``source`` from which one of ``target`` is interpolated."""
    spans = []
    for span, a, b in zip(box, source, target, strict=True):
        left, right, _ = _neighbours(span, a, b)
        spans.append(slice(int(left.min()), int(right.max()) + 1))
    return tuple(spans)


def resampled(
    pixels: FloatArray, there: Box, box: Box, source: Shape, target: Shape
) -> FloatArray:
    """Return the box of an array (Z, Y, X, C) at the size ``target``.

    Parameters
    ----------
    pixels, there
        What `needed` says, and where it lies in the array of the size ``source``.
    """
    # Cellpose's order: rows and columns first, then planes. OpenCV's: along X first.
    for axis in (2, 1, 0):
        if source[axis] != target[axis]:
            left, right, share = _neighbours(box[axis], source[axis], target[axis])
            start = there[axis].start
            weight = share.reshape([-1 if n == axis else 1 for n in range(4)])
            pixels = np.take(pixels, left - start, axis) * (1 - weight) + (
                np.take(pixels, right - start, axis) * weight
            )
    return pixels


def _neighbours(
    span: slice, source: int, target: int
) -> tuple[Indices, Indices, FloatArray]:
    """Return the pixels to both sides of each of a span, and the share of the right."""
    at = np.arange(span.start, span.stop)
    if source == target:
        return at, at, np.zeros(len(at), np.float32)
    place = ((at + 0.5) * (source / target) - 0.5).astype(np.float32)
    left = np.floor(place).astype(np.int64)
    share = place - left.astype(np.float32)
    share[(left < 0) | (left >= source - 1)] = 0
    left = left.clip(0, source - 1)
    return left, np.minimum(left + 1, source - 1), share
