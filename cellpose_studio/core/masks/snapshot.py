"""Copy-on-write snapshots of label images that are edited in place."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import numpy as np

from cellpose_studio.core.masks.chunks import (
    CHUNK,
    ChunkIndex,
    EmptyLabels,
    Labels,
    chunk,
    chunk_indices,
    in_memory,
    touched_chunks,
)


class Snapshot:
    """Label pixels at the moment of creation; can be read from any thread.

    Nothing is copied at first. Every edit calls `keep` before it changes chunks, and
    only these are copied.

    Parameters
    ----------
    labels
        uint32, C-contiguous.
    """

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._kept: dict[ChunkIndex, Labels] = {}
        # `keep`, and the edit after it, waits while a reader copies a chunk.
        self._lock = threading.Lock()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the label image: YX, ZYX, TYX or TZYX."""
        return self._labels.shape

    def keep(self, changing: Iterable[ChunkIndex]) -> None:
        """Copy chunks that are about to change."""
        with self._lock:
            for index in changing:
                # Only before its first change does a chunk hold the pixels of the
                # snapshot.
                if index not in self._kept:
                    self._kept[index] = chunk(self._labels, index).copy()

    def chunk(self, index: ChunkIndex) -> Labels:
        """Return the pixels of a chunk, read-only by convention."""
        with self._lock:
            kept = self._kept.get(index)
            # A kept chunk never changes, so it is not copied again.
            return chunk(self._labels, index).copy() if kept is None else kept

    def __getitem__(self, region: tuple[slice, ...]) -> Labels:
        """Return a copy of a region, which has a slice within bounds for each axis."""
        rows, columns = region[-2:]
        lead = np.arange(int(np.prod(self.shape[:-2]))).reshape(self.shape[:-2])
        planes = np.atleast_1d(lead[region[:-2]])
        whole = np.empty((planes.size, *(s.stop - s.start for s in region[-2:])), "u4")
        for copy, plane in zip(whole, planes.ravel().tolist(), strict=True):
            for index in touched_chunks(self.shape[-2:], region[-2:]):
                top, left = index.row * CHUNK, index.column * CHUNK
                y = slice(max(rows.start, top), min(rows.stop, top + CHUNK))
                x = slice(max(columns.start, left), min(columns.stop, left + CHUNK))
                place = _shift(y, -rows.start), _shift(x, -columns.start)
                with self._lock:
                    copy[place] = self._present(index._replace(plane=plane))[
                        _shift(y, -top), _shift(x, -left)
                    ]
        return whole.reshape(*(s.stop - s.start for s in region))

    def array(self, empty: EmptyLabels = in_memory) -> Labels:
        """Return a copy of all pixels, which is slow for large ones.

        ``empty`` makes the array.
        """
        whole = empty(self.shape)
        # Each chunk takes the lock by itself, so an edit waits for one copy at most.
        for index in chunk_indices(self.shape):
            chunk(whole, index)[...] = self.chunk(index)
        return whole

    def sample(self, number: int, every: int) -> Labels:
        """Return each ``every``-th pixel along both sides of a YX plane."""
        height, width = self.shape[-2:]
        found = np.empty((-(-height // every), -(-width // every)), np.uint32)
        for index in chunk_indices((height, width)):
            top, left = index.row * CHUNK, index.column * CHUNK
            with self._lock:
                part = self._present(index._replace(plane=number))
                seen = part[-top % every :: every, -left % every :: every]
                y, x = -(-top // every), -(-left // every)
                found[y : y + len(seen), x : x + seen.shape[1]] = seen
        return found

    def plane(self, number: int) -> Labels:
        """Return a copy of a YX plane, numbered as in `ChunkIndex`."""
        whole = np.empty(self.shape[-2:], np.uint32)
        for index in chunk_indices(whole.shape):
            chunk(whole, index)[...] = self.chunk(index._replace(plane=number))
        return whole

    def highest(self) -> int:
        """Return the highest id of a cell, 0 if there is none."""
        every = (self.chunk(index) for index in chunk_indices(self.shape))
        return max((int(pixels.max(initial=0)) for pixels in every), default=0)

    def _present(self, index: ChunkIndex) -> Labels:
        """Return the pixels of a chunk; a view that may change without the lock."""
        kept = self._kept.get(index)
        return chunk(self._labels, index) if kept is None else kept


def _shift(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)
