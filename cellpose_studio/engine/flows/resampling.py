"""Parts of an array that is resized, without resizing all of it.

The numbers are those of OpenCV's linear interpolation, which Cellpose resizes with.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from cellpose_studio.engine.flows.boxes import Box, Shape, cut, shape_of, start_of

FloatArray = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

_AT_ONCE = 6_000_000
"""Pixels that are resized at once: 100 to 200 MB of flows."""


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


def resampled_box(
    read: Callable[[Box], FloatArray], box: Box, source: Shape, target: Shape
) -> FloatArray:
    """Return the box of an array (Z, Y, X, C) at the size ``target``, read in parts.

    ``read`` returns a box of the array, which may have many more pixels.
    """
    sides = list(shape_of(box))
    axis = 0 if sides[0] > 1 else 1
    pixels = math.prod(sides) * math.prod(source) / math.prod(target)
    sides[axis] = math.ceil(sides[axis] / math.ceil(pixels / _AT_ONCE))
    parts = []
    for inside in cut(shape_of(box), sides):
        part = _moved(inside, start_of(box))
        there = needed(part, source, target)
        parts.append(resampled(read(there), there, part, source, target))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis)


def _moved(box: Box, by: Shape) -> Box:
    return tuple(
        slice(span.start + n, span.stop + n) for span, n in zip(box, by, strict=True)
    )


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
