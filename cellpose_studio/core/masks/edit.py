"""Reversible changes of label images, stored sparsely per chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.masks.chunks import (
    CHUNK,
    ChunkIndex,
    Labels,
    chunk,
    touched_chunks,
)
from cellpose_studio.core.masks.edit_pixels import (
    has_pixels,
    pixel_bounds,
    write_pixels,
)

Counts = npt.NDArray[np.int64]
Tally = tuple[Labels, Counts, Counts, Counts]
"""Ids (N,), pixels (N,), and lower and upper bounds (N, axes) of the boxes of cells."""


@dataclass(frozen=True, eq=False)
class ChunkEdit:
    """The pixels of one chunk that changed.

    Attributes
    ----------
    place
        Index of the chunk.
    index
        (N,) int32, flat within the chunk as it is stored, ascending.
    before, after
        (N,) uint32.
    """

    chunk_index: ChunkIndex
    index: npt.NDArray[np.int32]
    before: Labels
    after: Labels

    def where(self, width: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Return rows and columns in the plane of an image of ``width``."""
        y0, x0 = self.chunk_index.row * CHUNK, self.chunk_index.column * CHUNK
        y, x = np.divmod(self.index, min(CHUNK, width - x0))
        return y + y0, x + x0


@dataclass(frozen=True, eq=False)
class LabelEdit:
    """An operation on cells, with the pixels before and after.

    Attributes
    ----------
    operation
        Its name in the menu: "Delete cell".
    cells
        Ids of the cells that it was applied to.
    gained, lost
        The pixels that cells gain and lose, where `CellTable` has counted them; a
        thread can do that before the user waits for the edit.
    """

    operation: str
    cells: tuple[int, ...]
    parts: tuple[ChunkEdit, ...]
    gained: Tally | None = field(default=None, init=False, repr=False)
    lost: Tally | None = field(default=None, init=False, repr=False)

    def keep_tallies(self, gained: Tally | None, lost: Tally | None) -> None:
        """Remember what was counted, which never changes."""
        object.__setattr__(self, "gained", gained)
        object.__setattr__(self, "lost", lost)

    @property
    def chunk_indices(self) -> set[ChunkIndex]:
        """Indices of the chunks that it changes."""
        return {part.chunk_index for part in self.parts}

    @property
    def pixels(self) -> int:
        """Number of pixels that it changes."""
        return sum(len(part.index) for part in self.parts)

    def touches(self, cell: int) -> bool:
        """Return whether a cell gains or loses pixels."""
        return any(
            (p.before == cell).any() or (p.after == cell).any() for p in self.parts
        )

    def touched_cells(self) -> set[int]:
        """Return the cells that gain or lose pixels."""
        if self.gained is not None and self.lost is not None:
            return {*self.gained[0].tolist(), *self.lost[0].tolist()}
        found: set[int] = set()
        for part in self.parts:
            for values in (part.before, part.after):
                # Of neighbouring pixels most are of the same cell, and need no sorting.
                first = np.append(True, values[1:] != values[:-1])[: len(values)]
                found.update(np.unique(values[first]).tolist())
        return found - {0}

    def inverse(self, operation: str = "") -> LabelEdit:
        """Return the edit that reverts this one, by default of the same name."""
        parts = tuple(
            replace(part, before=part.after, after=part.before) for part in self.parts
        )
        inverse = LabelEdit(operation or self.operation, self.cells, parts)
        # A copy would not have them, and would count all pixels again.
        inverse.keep_tallies(self.lost, self.gained)
        return inverse

    def is_inside(self, shape: tuple[int, ...]) -> bool:
        """Return whether all pixels lie inside a label image of ``shape``."""
        planes = int(np.prod(shape[:-2]))
        for part in self.parts:
            plane, row, column = part.chunk_index
            height, width = shape[-2] - row * CHUNK, shape[-1] - column * CHUNK
            # Negative indices would count from the end and change other pixels.
            if min(*part.chunk_index, height - 1, width - 1) < 0 or plane >= planes:
                return False
            area = min(height, CHUNK) * min(width, CHUNK)
            if len(part.index) and not 0 <= part.index.min() <= part.index.max() < area:
                return False
        return True

    def fits(self, labels: Labels) -> bool:
        """Return whether ``labels`` hold the pixels that the edit starts from."""
        return all(
            has_pixels(labels, part.chunk_index, part.index, part.before)
            for part in self.parts
        )

    def apply(self, labels: Labels) -> None:
        """Write the pixels after the edit into ``labels``, C-contiguous."""
        for part in self.parts:
            write_pixels(labels, part.chunk_index, part.index, part.after)

    def region(self, shape: tuple[int, ...]) -> tuple[slice, ...]:
        """Return the smallest box that holds all pixels it changes.

        One slice per axis of ``shape``; empty slices if nothing changes.
        """
        if not self.parts:
            return tuple(slice(0, 0) for _ in shape)
        corners = np.array([_box(part, shape) for part in self.parts])
        low, high = corners[:, 0].min(axis=0), corners[:, 1].max(axis=0)
        lead = np.array(
            [
                np.unravel_index(p.chunk_index.plane, shape[:-2] or (1,))
                for p in self.parts
            ]
        )
        outer = [
            slice(int(axis.min()), int(axis.max()) + 1)
            for axis in lead.T[: len(shape) - 2]
        ]
        return (
            *outer,
            *(slice(int(a), int(b)) for a, b in zip(low, high, strict=True)),
        )


def edit_between(
    operation: str,
    cells: Sequence[int],
    labels: Labels,
    region: tuple[slice, ...],
    after: Labels,
) -> LabelEdit:
    """Return the edit that gives ``region`` of ``labels`` the values of ``after``.

    ``region`` has a slice with bounds for each axis; ``after`` its shape. Nothing
    is written; only pixels that differ are part of the edit.
    """
    shape = labels.shape
    planes = np.arange(int(np.prod(shape[:-2]))).reshape(shape[:-2])[region[:-2]]
    wanted = after.reshape(-1, *after.shape[-2:])
    number = {int(plane): n for n, plane in enumerate(np.atleast_1d(planes).ravel())}
    top, left = region[-2].start, region[-1].start
    parts = []
    for chunk_index in touched_chunks(shape, region):
        now = chunk(labels, chunk_index)
        y0, x0 = chunk_index.row * CHUNK, chunk_index.column * CHUNK
        ys = slice(max(top, y0), min(region[-2].stop, y0 + now.shape[0]))
        xs = slice(max(left, x0), min(region[-1].stop, x0 + now.shape[1]))
        new = wanted[
            number[chunk_index.plane],
            ys.start - top : ys.stop - top,
            xs.start - left : xs.stop - left,
        ]
        old = now[ys.start - y0 : ys.stop - y0, xs.start - x0 : xs.stop - x0]
        y, x = np.nonzero(new != old)
        if len(y):
            # A chunk has 2**18 pixels, so 32 bits hold the index within it.
            at = (y + ys.start - y0) * now.shape[1] + (x + xs.start - x0)
            parts.append(
                ChunkEdit(chunk_index, at.astype(np.int32), old[y, x], new[y, x])
            )
    return LabelEdit(operation, tuple(int(cell) for cell in cells), tuple(parts))


def join_edits(operation: str, edits: Sequence[LabelEdit]) -> LabelEdit:
    """Return one edit with the same effect as ``edits`` in sequence.

    Pixels that end with their first value are not part of it.
    """
    by_chunk: dict[ChunkIndex, list[ChunkEdit]] = {}
    for edit in edits:
        for part in edit.parts:
            by_chunk.setdefault(part.chunk_index, []).append(part)
    parts = [_join_parts(chunk_index, parts) for chunk_index, parts in by_chunk.items()]
    cells = dict.fromkeys(cell for edit in edits for cell in edit.cells)
    return LabelEdit(operation, tuple(cells), tuple(p for p in parts if len(p.index)))


def _join_parts(chunk_index: ChunkIndex, parts: list[ChunkEdit]) -> ChunkEdit:
    index = np.concatenate([part.index for part in parts])
    before = np.concatenate([part.before for part in parts])
    after = np.concatenate([part.after for part in parts])
    # `np.unique` returns the first occurrence, so the last is that of the reverse.
    pixels, first = np.unique(index, return_index=True)
    _, last = np.unique(index[::-1], return_index=True)
    before, after = before[first], after[::-1][last]
    changed = before != after
    return ChunkEdit(chunk_index, pixels[changed], before[changed], after[changed])


def _box(
    part: ChunkEdit, shape: tuple[int, ...]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the top left and the bottom right of a part, in its plane."""
    y, x = part.chunk_index.row * CHUNK, part.chunk_index.column * CHUNK
    top, left, bottom, right = pixel_bounds(part.index, min(CHUNK, shape[-1] - x))
    return (y + top, x + left), (y + bottom, x + right)
