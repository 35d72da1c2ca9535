"""Keeping what was decoded last, because its other channels are wanted next."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from cellpose_studio.io.images.stored_image import Array


class RecentArrays:
    """The arrays that were asked for last, up to a number of bytes."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._arrays: OrderedDict[Hashable, Array] = OrderedDict()

    def get(self, key: Hashable, read: Callable[[], Array]) -> Array:
        """Return the array of ``key``, which ``read`` gives if it is not there."""
        with self._lock:
            if key in self._arrays:
                self._arrays.move_to_end(key)
                return self._arrays[key]
        array = read()
        if array.nbytes > self._capacity:
            return array
        array.flags.writeable = False
        with self._lock:
            self._arrays[key] = array
            while sum(a.nbytes for a in self._arrays.values()) > self._capacity:
                self._arrays.popitem(last=False)
        return array


DECODED = RecentArrays(256 * 1024**2)
"""Colour pages and pictures of all files."""
