"""Loops over the pixels of an edit: it may have millions, which the user waits for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled
from cellpose_studio.core.masks.chunks import CHUNK, ChunkIndex, Labels, planes_of

Index = npt.NDArray[np.int32]


def write_pixels(labels: Labels, at: ChunkIndex, index: Index, values: Labels) -> None:
    """Write ``values`` to a chunk of labels; ``index`` is flat within the chunk.

    Raises
    ------
    IndexError
        If the chunk has no such pixel; those before it are written.
    """
    plane, top, left = _place(labels, at)
    if not _write(plane, top, left, index, values):
        raise IndexError(f"an edit reaches beyond the chunk {at}")


def has_pixels(labels: Labels, at: ChunkIndex, index: Index, values: Labels) -> bool:
    """Return whether a chunk of labels has ``values`` at the flat ``index``."""
    plane, top, left = _place(labels, at)
    return bool(_has(plane, top, left, index, values))


def pixel_bounds(index: Index, width: int) -> tuple[int, int, int, int]:
    """Return the first row and column, and those after the last, of flat indices.

    ``width`` is that of the chunk; there is at least one index.
    """
    top, left, bottom, right = _bounds(index, width)
    return int(top), int(left), int(bottom), int(right)


def _place(labels: Labels, at: ChunkIndex) -> tuple[Labels, int, int]:
    # Whole planes are contiguous: the loops are compiled for one memory layout only.
    return planes_of(labels)[at.plane], at.row * CHUNK, at.column * CHUNK


@compiled
def _pixel(plane: Labels, top: int, left: int, at: int) -> tuple[int, int]:
    """Return row and column of a flat index of a chunk; -1 and -1 beyond the chunk."""
    height = min(CHUNK, plane.shape[0] - top)
    width = min(CHUNK, plane.shape[1] - left)
    # Compiled code would write anywhere.
    if at < 0 or at >= height * width:
        return -1, -1
    return top + at // width, left + at % width


@compiled
def _write(plane: Labels, top: int, left: int, index: Index, values: Labels) -> bool:
    for n in range(len(index)):
        y, x = _pixel(plane, top, left, index[n])
        if y < 0:
            return False
        plane[y, x] = values[n]
    return True


@compiled
def _has(plane: Labels, top: int, left: int, index: Index, values: Labels) -> bool:
    for n in range(len(index)):
        y, x = _pixel(plane, top, left, index[n])
        if y < 0 or plane[y, x] != values[n]:
            return False
    return True


@compiled
def _bounds(index: Index, width: int) -> tuple[int, int, int, int]:
    top, left = index[0] // width, index[0] % width
    bottom, right = top, left
    for n in range(1, len(index)):
        y, x = index[n] // width, index[n] % width
        top, bottom = min(top, y), max(bottom, y)
        left, right = min(left, x), max(right, x)
    return top, left, bottom + 1, right + 1
