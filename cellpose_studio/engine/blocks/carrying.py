"""Where the pixels of a block end when they follow the flows.

Pixels are carried in the coordinates of the whole image, so that each number is that
of a run on all of it. A pixel that comes to the border of what was read is carried
again in a larger window: where it ends never depends on the blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.engine.blocks.flow_source import FlowSource
from cellpose_studio.engine.flows.boxes import (
    Box,
    Shape,
    grown,
    shape_of,
    start_of,
)
from cellpose_studio.engine.masks import trajectories
from cellpose_studio.engine.threads import run_parts

FloatArray = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Check = Callable[[], None]

_AT_ONCE = 5_000_000
"""Pixels times steps between two checks: a tenth of a second at most."""

_CLOSE = 2
"""Pixels from the border of a window in which no pixel is taken to end."""

_STRAY = -trajectories.NO_LIMIT
"""Limit of the margin by which pixels are known that have come to it."""


def ends_in(
    source: FlowSource,
    part: int,
    core: Box,
    threshold: float,
    steps: int,
    overlap: int,
    check: Check,
) -> tuple[Indices, int]:
    """Return the flat index in its part that each pixel of ``core`` reaches.

    The second value tells after how many steps all of them were at rest, as `carry`
    says. The index is -1 for pixels that are no more probable than ``threshold``. Of
    the flows around the core, ``overlap`` pixels are read, and more if a pixel comes
    that far.
    """
    ends = np.full(shape_of(core), -1, np.int64)
    probable = source.read(part, core)[1] > np.float32(threshold)
    todo = np.stack(np.nonzero(probable), -1) + start_of(core)
    rested = 0
    while len(todo):
        check()
        window = grown(core, _margins(source, overlap), source.shape)
        reached, is_stray, after = _carried(
            source, part, window, todo, threshold, steps, check
        )
        rested = max(rested, int(after[~is_stray].max(initial=0)))
        inside = tuple((todo - start_of(core))[~is_stray].T)
        ends[inside] = reached[~is_stray]
        todo = todo[is_stray]
        overlap *= 2
    return ends, rested


def _margins(source: FlowSource, overlap: int) -> Shape:
    return (overlap if source.axes == 3 else 0, overlap, overlap)


def _carried(
    source: FlowSource,
    part: int,
    window: Box,
    todo: Indices,
    threshold: float,
    steps: int,
    check: Check,
) -> tuple[Indices, npt.NDArray[np.bool_], npt.NDArray[np.int32]]:
    """Return where (N, 3) pixels end, which came to the border of ``window``, and when.

    The last tells after how many steps each was at rest.
    """
    dP, cellprob = source.read(part, window)
    shape, size, origin = source.shape, shape_of(window), start_of(window)
    field, limits = _field(source, dP, cellprob, window, threshold)
    at = np.ravel_multi_index(tuple((todo - origin).T), size).astype(np.int64)
    ends = np.zeros(cellprob.size, np.int32)
    low = np.zeros(cellprob.size, np.int16)
    high = np.zeros(cellprob.size, np.int16)
    at_once = max(1, _AT_ONCE // steps)
    rested = np.zeros(len(at), np.int32)
    parts = [slice(n, n + at_once) for n in range(0, len(at), at_once)]

    def work(some: slice) -> None:
        trajectories.carry(
            _three(shape),
            _three(size),
            _three(origin),
            source.axes,
            field.reshape(-1),
            limits.reshape(-1),
            at[some],
            steps,
            ends,
            low,
            high,
            rested[some],
        )

    run_parts(work, parts, check)
    reached = np.stack(np.unravel_index(ends[at], size), -1) + np.array(origin)
    flat = np.ravel_multi_index(tuple(reached.T), shape)
    is_stray = high[at] == _STRAY
    # One that has come to the border with its last step has met no limit there.
    for axis, (span, length) in enumerate(zip(window, shape, strict=True)):
        if span.start > 0:
            is_stray |= reached[:, axis] < span.start + _CLOSE
        if span.stop < length:
            is_stray |= reached[:, axis] >= span.stop - _CLOSE
    return np.asarray(flat, np.int64), is_stray, rested


def _field(
    source: FlowSource,
    dP: FloatArray,
    cellprob: FloatArray,
    window: Box,
    threshold: float,
) -> tuple[FloatArray, npt.NDArray[np.int16]]:
    """Return the flows of a window, and limits near its margin, padded by a pixel."""
    axes = source.axes
    margin = (0 if axes == 2 else 2, 2, 2)
    padded = tuple(np.add(shape_of(window), margin).tolist())
    field = np.zeros((*padded, axes), np.float32)
    limits = np.full((*padded, 2), trajectories.NO_LIMIT, np.int16)
    for axis, (span, length) in enumerate(zip(window, source.shape, strict=True)):
        along: Any = np.moveaxis(limits, axis, 0)
        if margin[axis] and span.start > 0:
            along[0] = _STRAY
        if margin[axis] and span.stop < length:
            along[-1] = _STRAY
    trajectories.pool_limits(limits)
    probable = np.ascontiguousarray(cellprob)
    for n in range(axes):
        # As in `PixelEnds`: X comes first, and the scale is that of the whole image.
        component = np.ascontiguousarray(dP[axes - 1 - n])
        scale = np.float32(2) / np.float32(max(source.shape[2 - n] - 1, 1))
        trajectories.fill_field(
            component, probable, np.float32(threshold), scale, field, n
        )
    return field, limits


def _three(shape: Shape) -> tuple[int, int, int]:
    z, y, x = shape
    return z, y, x


def held_by(ends: Indices, shape: Shape) -> tuple[Box, npt.NDArray[np.int32]] | None:
    """Return how many pixels each pixel of a box holds; None if none ends anywhere.

    The box is the smallest one around all ``ends``, flat indices in ``shape``.
    """
    there = ends[ends >= 0]
    if not len(there):
        return None
    places = np.stack(np.unravel_index(there, shape), -1)
    box = tuple(
        slice(low, high + 1)
        for low, high in zip(
            places.min(0).tolist(), places.max(0).tolist(), strict=True
        )
    )
    size = shape_of(box)
    flat = np.ravel_multi_index(tuple((places - start_of(box)).T), size)
    counts = np.bincount(flat, minlength=int(np.prod(size))).astype(np.int32)
    return box, counts.reshape(size)


def local(ends: Indices, shape: Shape, box: Box) -> Indices:
    """Return flat indices in ``shape`` as those in a ``box`` that holds them."""
    places = np.unravel_index(ends, shape)
    inside = [n - start for n, start in zip(places, start_of(box), strict=True)]
    return np.asarray(np.ravel_multi_index(tuple(inside), shape_of(box)), np.int64)
