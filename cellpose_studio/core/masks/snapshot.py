"""Copy-on-write snapshots of label images that are edited in place."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import numpy as np

from cellpose_studio.core.masks.chunks import ChunkIndex, Labels, chunk, chunk_indices


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

    def array(self) -> Labels:
        """Return a copy of all pixels; slow for large ones."""
        whole = np.empty(self.shape, np.uint32)
        # Each chunk takes the lock by itself, so an edit waits for one copy at most.
        for index in chunk_indices(self.shape):
            chunk(whole, index)[...] = self.chunk(index)
        return whole

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
