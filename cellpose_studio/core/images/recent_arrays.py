"""An LRU cache of arrays, limited to a number of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

import numpy.typing as npt

Array = npt.NDArray[Any]
K = TypeVar("K", bound=Hashable)


class RecentArrays(Generic[K]):
    """Arrays of at most ``most`` bytes, or a single larger one; not thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._arrays: OrderedDict[K, Array] = OrderedDict()
        # Summed up anew for each of thousands of small images, this took most time.
        self._bytes = 0

    def find(self, key: K) -> Array | None:
        """Return an array, which is then the last to be forgotten."""
        if key not in self._arrays:
            return None
        self._arrays.move_to_end(key)
        return self._arrays[key]

    def put(self, key: K, array: Array) -> None:
        """Add an array that is not there, and forget the least used ones."""
        self._arrays[key] = array
        self._bytes += array.nbytes
        while len(self._arrays) > 1 and self._bytes > self._most:
            self._bytes -= self._arrays.popitem(last=False)[1].nbytes
