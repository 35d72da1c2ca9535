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
        place = id(owner), key
        with self._lock:
            found = self._kept.get(place)
            # The id may be that of an owner that is gone.
            if found is not None and found[0]() is owner:
                self._kept.move_to_end(place)
                return found[1]
        array = read()
        if self.fits(array.nbytes):
            with self._lock:
                self._keep(place, (weakref.ref(owner), array))
        return array

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
