"""The pixels that were read last for the screen, which wants them several times."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]


class RecentPlanes:
    """LRU cache of arrays that nobody writes to; for any thread.

    Parameters
    ----------
    capacity
        Bytes of all arrays. One of more than half of them is not kept.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._size = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[weakref.ref[Any], Array]] = (
            OrderedDict()
        )

    def get(self, owner: object, key: Hashable, read: Callable[[], Array]) -> Array:
        """Return what ``read`` returns, or returned for the same key of an owner."""
        found = self.find(owner, key)
        if found is None:
            found = read()
            self.put(owner, key, found)
        return found

    def find(self, owner: object, key: Hashable) -> Array | None:
        """Return what was put under a key of an owner; None if it is not there."""
        place = id(owner), key
        with self._lock:
            found = self._kept.get(place)
            # The id may be that of an owner that is gone.
            if found is None or found[0]() is not owner:
                return None
            self._kept.move_to_end(place)
            return found[1]

    def put(self, owner: object, key: Hashable, array: Array) -> None:
        """Keep an array, if it is not too large, until others take its place."""
        if self.fits(array.nbytes):
            with self._lock:
                self._keep((id(owner), key), (weakref.ref(owner), array))

    def fits(self, size: int) -> bool:
        """Return whether as many bytes are kept until they are wanted."""
        return 2 * size <= self._capacity

    def _keep(self, place: Hashable, kept: tuple[weakref.ref[Any], Array]) -> None:
        before = self._kept.pop(place, None)
        self._size += kept[1].nbytes - (before[1].nbytes if before else 0)
        self._kept[place] = kept
        while self._size > self._capacity:
            _, (_, oldest) = self._kept.popitem(last=False)
            self._size -= oldest.nbytes
