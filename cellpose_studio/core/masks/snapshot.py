"""A label image as it was at a moment, while it is being edited in place."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import numpy as np

from cellpose_studio.core.masks.chunks import ChunkIndex, Labels, chunk, places


class Snapshot:
    """Label pixels as they were when this was made; to be read from any thread.

    Nothing is copied at first. Whoever edits the pixels says before which chunks are
    about to change, and only those are copied.

    Parameters
    ----------
    labels
        uint32, C-contiguous.
    """

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._kept: dict[ChunkIndex, Labels] = {}
        # A chunk must not change while it is read.
        self._lock = threading.Lock()

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the label image: YX, ZYX, TYX or TZYX."""
        return self._labels.shape

    def keep(self, changing: Iterable[ChunkIndex]) -> None:
        """Copy chunks that are about to change."""
        with self._lock:
            for place in changing:
                if place not in self._kept:
                    self._kept[place] = chunk(self._labels, place).copy()

    def chunk(self, place: ChunkIndex) -> Labels:
        """Return the pixels of a chunk, not to be written to."""
        with self._lock:
            kept = self._kept.get(place)
            return chunk(self._labels, place).copy() if kept is None else kept

    def array(self) -> Labels:
        """Return a copy of all pixels; slow for large ones."""
        whole = np.empty(self.shape, np.uint32)
        for place in places(self.shape):
            chunk(whole, place)[...] = self.chunk(place)
        return whole

    def plane(self, number: int) -> Labels:
        """Return a copy of a YX plane; planes count as in `ChunkIndex`."""
        whole = np.empty(self.shape[-2:], np.uint32)
        for place in places(whole.shape):
            chunk(whole, place)[...] = self.chunk(place._replace(plane=number))
        return whole

    def highest(self) -> int:
        """Return the highest id of a cell, 0 if there is none."""
        every = (self.chunk(place) for place in places(self.shape))
        return max((int(pixels.max(initial=0)) for pixels in every), default=0)
