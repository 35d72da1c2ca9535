"""LRU cache of decoded pages, because their other channels are usually read next."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from cellpose_studio.io.images.stored_image import Array


class DecodeCache:
    """LRU cache of arrays, limited to a number of bytes; thread-safe.

    Of arrays beyond that, the last one is kept up to ``largest`` bytes: every plane
    and thumbnail of a huge picture would decode it anew.
    """

    def __init__(self, capacity: int, largest: int = 0) -> None:
        self._capacity = capacity
        self._largest = max(capacity, largest)
        self._lock = threading.Lock()
        self._arrays: OrderedDict[Hashable, Array] = OrderedDict()
        # Summed up anew for each of thousands of small images, this took most time.
        self._bytes = 0

    def get(self, key: Hashable, read: Callable[[], Array]) -> Array:
        """Return the array of ``key``; ``read`` provides it if it is not cached."""
        with self._lock:
            if key in self._arrays:
                self._arrays.move_to_end(key)
                return self._arrays[key]
        # Reading happens outside the lock: two threads may decode the same array,
        # but none waits for the decoding of another one.
        array = read()
        if array.nbytes > self._largest:
            return array
        # All readers share the array, so none of them may change it.
        array.flags.writeable = False
        with self._lock:
            # Another thread may have put it there meanwhile.
            if key not in self._arrays:
                self._bytes += array.nbytes
            self._arrays[key] = array
            self._arrays.move_to_end(key)
            while len(self._arrays) > 1 and self._bytes > self._capacity:
                self._bytes -= self._arrays.popitem(last=False)[1].nbytes
        return array


DECODED = DecodeCache(256 * 1024**2, largest=1024**3)
"""Decoded colour pages and images of all files."""
