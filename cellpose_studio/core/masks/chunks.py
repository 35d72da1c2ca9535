"""Chunks of label images: tiles of 512 x 512 pixels of one plane."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

# Project files consist of chunks of this size, so it is a part of their format.
CHUNK = 512
"""Height and width of a chunk; those at the lower and right border are smaller."""

Labels = npt.NDArray[np.uint32]
Pixel = TypeVar("Pixel", bound=np.generic)
PIECE = 1 << 22
"""Pixels of a piece of `pieces`."""

EmptyLabels = Callable[[tuple[int, ...]], Labels]
"""Makes an array for a label image of a shape, in memory or in a file."""


class ChunkIndex(NamedTuple):
    """Index of a chunk in a label image.

    Attributes
    ----------
    plane
        Number of the YX plane; frames x planes are counted in that order.
    row, column
        Position of the chunk in the plane.
    """

    plane: int
    row: int
    column: int


def in_memory(shape: tuple[int, ...]) -> Labels:
    """Return an array of zeros for a label image, in memory."""
    return np.zeros(shape, np.uint32)


def copied(labels: npt.NDArray[np.integer], empty: EmptyLabels) -> Labels:
    """Return a copy of labels of any type, in an array that ``empty`` makes."""
    copy = empty(labels.shape)
    copy[...] = labels
    return copy


def pieces(size: int, length: int = PIECE) -> Iterator[slice]:
    """Yield the flat slices of at most ``length`` pixels that ``size`` falls into.

    What is computed of large label images piece by piece needs little memory.
    """
    for start in range(0, size, length):
        yield slice(start, min(start + length, size))


def planes_of(labels: npt.NDArray[Pixel]) -> npt.NDArray[Pixel]:
    """Return a view of a contiguous label image as (N, Y, X)."""
    return labels.reshape(-1, *labels.shape[-2:])


def chunk_indices(shape: tuple[int, ...]) -> Iterator[ChunkIndex]:
    """Yield the indices of all chunks of a label image, plane by plane."""
    planes = int(np.prod(shape[:-2]))
    rows, columns = (-(-n // CHUNK) for n in shape[-2:])
    for plane in range(planes):
        for row in range(rows):
            for column in range(columns):
                yield ChunkIndex(plane, row, column)


def chunk(labels: npt.NDArray[Pixel], index: ChunkIndex) -> npt.NDArray[Pixel]:
    """Return a view of the chunk at ``index``."""
    y, x = index.row * CHUNK, index.column * CHUNK
    return planes_of(labels)[index.plane, y : y + CHUNK, x : x + CHUNK]


def touched_chunks(
    shape: tuple[int, ...], region: tuple[slice, ...]
) -> Iterator[ChunkIndex]:
    """Yield the indices of the chunks that overlap a region of a label image.

    ``region`` has a slice for each axis, within the bounds.
    """
    lead = np.arange(int(np.prod(shape[:-2]))).reshape(shape[:-2])
    rows, columns = (range(s.start // CHUNK, -(-s.stop // CHUNK)) for s in region[-2:])
    for plane in np.atleast_1d(lead[region[:-2]]).ravel().tolist():
        for row in rows:
            for column in columns:
                yield ChunkIndex(int(plane), row, column)
