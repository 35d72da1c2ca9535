"""Accumulates changes of pixels, cell by cell, into one edit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled
from cellpose_studio.core.masks.cell_table import Box, CellTable
from cellpose_studio.core.masks.chunks import CHUNK, ChunkIndex, Labels, chunk
from cellpose_studio.core.masks.edit import ChunkEdit, LabelEdit

At = tuple[int, ...]
"""Index of the leading axes: of a plane, of a volume, or () for the whole image."""

Mask = npt.NDArray[np.bool_]


class Changes:
    """New values of pixels; only those that differ become part of the edit.

    Boxes and masks refer to ``labels[at]``. The cost grows with the boxes, not with
    the distance between them.
    """

    def __init__(self, labels: Labels, at: At = ()) -> None:
        self._labels = labels
        self._view = labels[at]
        self._start = sum(
            n * int(np.prod(labels.shape[k + 1 :])) for k, n in enumerate(at)
        )
        self._index: list[npt.NDArray[np.int64]] = []
        self._after: list[Labels] = []

    def put(self, box: Box, mask: Mask, cell: int, protect: bool = True) -> None:
        """Assign the pixels of ``mask`` to ``cell``; later calls override earlier ones.

        With ``protect``, only background becomes the cell.
        """
        now = self._view[box]
        wanted = mask & ((now == 0) if protect else (now != cell))
        where = [
            n + part.start for n, part in zip(np.nonzero(wanted), box, strict=True)
        ]
        index = np.ravel_multi_index(where, self._view.shape) + self._start
        self._index.append(index)
        self._after.append(np.full(len(index), cell, np.uint32))

    def edit(self, operation: str, cells: Sequence[int]) -> LabelEdit:
        """Return the edit; nothing is written."""
        parts: list[ChunkEdit] = []
        if self._index:
            index, after = np.concatenate(self._index), np.concatenate(self._after)
            parts = _chunk_edits(self._labels, index, after)
        return LabelEdit(operation, tuple(int(cell) for cell in cells), tuple(parts))


def cell_mask(
    labels: Labels, table: CellTable, cell: int, at: At = (), pad: int = 0
) -> tuple[Box, Mask]:
    """Return a box of ``labels[at]`` with all of a cell, and the cell's pixels in it.

    The box is larger by ``pad`` pixels on each side, as far as the image goes.
    """
    box = pad_box(table.box(cell)[len(at) :], pad, labels.shape[len(at) :])
    return box, labels[at][box] == cell


def pad_box(box: Box, by: int, shape: tuple[int, ...]) -> Box:
    """Return a box that is larger on each side, as far as ``shape`` goes."""
    return tuple(
        slice(max(part.start - by, 0), min(part.stop + by, size))
        for part, size in zip(box, shape, strict=True)
    )


def box_around(boxes: Iterable[Box]) -> Box:
    """Return the smallest box that holds some others, one at least."""
    return tuple(
        slice(min(part.start for part in parts), max(part.stop for part in parts))
        for parts in zip(*boxes, strict=True)
    )


def _chunk_edits(
    labels: Labels, index: npt.NDArray[np.int64], after: Labels
) -> list[ChunkEdit]:
    """Return changes at flat indices of an image, chunk by chunk."""
    height, width = labels.shape[-2:]
    number, inside = _locate(index, height, width)
    # NumPy sorts integers of up to 16 bits in linear time, by radix sort.
    small = number.astype(np.min_scalar_type(int(number.max(initial=0))))
    order = np.argsort(small, kind="stable")
    bounds = np.flatnonzero(np.diff(number[order])) + 1
    down, across = -(-height // CHUNK), -(-width // CHUNK)
    parts = []
    for one in np.split(order, bounds):
        if len(one):
            above, column = divmod(int(number[one[0]]), across)
            chunk_index = ChunkIndex(above // down, above % down, column)
            parts.append(
                _chunk_edit(labels, chunk_index, *_last_values(inside[one], after[one]))
            )
    return [part for part in parts if len(part.index)]


def _chunk_edit(
    labels: Labels, chunk_index: ChunkIndex, index: npt.NDArray[np.int32], after: Labels
) -> ChunkEdit:
    """Return the pixels of a chunk that differ."""
    now = chunk(labels, chunk_index)
    before = now[np.divmod(index, now.shape[1])]
    differ = before != after
    return ChunkEdit(chunk_index, index[differ], before[differ], after[differ])


@compiled
def _last_values(
    index: npt.NDArray[np.int32], after: Labels
) -> tuple[npt.NDArray[np.int32], Labels]:
    """Return the distinct indices, ascending, with the last value of each."""
    # The indices of a chunk are below 2**18, so a table of their range is small, and it
    # spares a sort.
    first = index.min()
    last = np.full(index.max() - first + 1, -1, np.int64)
    for n in range(len(index)):
        last[index[n] - first] = n
    # The table is in the order of the indices, which the journal needs to ascend: it
    # stores the steps between them.
    chosen = last[last >= 0]
    return index[chosen], after[chosen]


@compiled
def _locate(
    index: npt.NDArray[np.int64], height: int, width: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return for each flat index the number of its chunk and the index within it."""
    down, across = -(-height // CHUNK), -(-width // CHUNK)
    number = np.empty(len(index), np.int32)
    inside = np.empty(len(index), np.int32)
    for n in range(len(index)):
        line, x = divmod(index[n], width)
        plane, y = divmod(line, height)
        row, column = y // CHUNK, x // CHUNK
        number[n] = (plane * down + row) * across + column
        wide = min(CHUNK, width - column * CHUNK)
        inside[n] = (y - row * CHUNK) * wide + x - column * CHUNK
    return number, inside
