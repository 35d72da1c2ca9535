"""Boxes of pixels: cores of blocks, what lies around them, and where boxes meet.

A plane is a volume of one plane here, so that all boxes have the axes Z, Y and X.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise, product
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Shape: TypeAlias = tuple[int, ...]
Box: TypeAlias = tuple[slice, ...]
"""A slice for each axis, with its start and its end."""

Array = npt.NDArray[Any]


def cut(shape: Sequence[int], sides: Sequence[int]) -> list[Box]:
    """Return the boxes of at most ``sides`` that ``shape`` falls into, in raster order.

    Those along an axis differ by one pixel at most.
    """
    spans = []
    for length, side in zip(shape, sides, strict=True):
        parts = max(1, math.ceil(length / side))
        ends = [length * n // parts for n in range(parts + 1)]
        spans.append([slice(a, b) for a, b in pairwise(ends)])
    return [tuple(box) for box in product(*spans)]


def grown(box: Box, margins: Sequence[int], shape: Sequence[int]) -> Box:
    """Return ``box`` with a margin for each axis, as far as ``shape`` reaches."""
    return tuple(
        slice(max(0, span.start - margin), min(length, span.stop + margin))
        for span, margin, length in zip(box, margins, shape, strict=True)
    )


def meet(one: Box, other: Box) -> Box | None:
    """Return what two boxes have in common; None if that is nothing."""
    common = tuple(
        slice(max(a.start, b.start), min(a.stop, b.stop))
        for a, b in zip(one, other, strict=True)
    )
    return common if all(span.start < span.stop for span in common) else None


def within(box: Box, outer: Box) -> Box:
    """Return ``box`` in the coordinates of ``outer``."""
    return tuple(
        slice(span.start - around.start, span.stop - around.start)
        for span, around in zip(box, outer, strict=True)
    )


def shape_of(box: Box) -> Shape:
    """Return the lengths of the sides."""
    return tuple(span.stop - span.start for span in box)


def start_of(box: Box) -> Shape:
    """Return the first pixel."""
    return tuple(span.start for span in box)


def whole(shape: Sequence[int]) -> Box:
    """Return the box of everything."""
    return tuple(slice(0, length) for length in shape)


def box_of(low: Array, high: Array) -> Box:
    """Return the box around boxes with these (N, 3) first and last + 1 pixels."""
    spans = zip(low.min(0).tolist(), high.max(0).tolist(), strict=True)
    return tuple(slice(start, stop) for start, stop in spans)


def meets(low: Array, high: Array, box: Box) -> npt.NDArray[np.bool_]:
    """Return which of (N, 3) boxes have a pixel in ``box``."""
    start, stop = np.array([(span.start, span.stop) for span in box]).T
    return np.asarray(((low < stop) & (high > start)).all(1))


def as_lists(box: Box) -> list[list[int]]:
    """Return a box as JSON has it."""
    return [[int(span.start), int(span.stop)] for span in box]


def from_lists(lists: Sequence[Sequence[int]]) -> Box:
    """Return the box of `as_lists`."""
    return tuple(slice(start, stop) for start, stop in lists)
