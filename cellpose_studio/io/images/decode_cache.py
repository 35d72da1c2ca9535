"""LRU cache of decoded pages, because their other channels are usually read next."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from cellpose_studio.core.images.recent_arrays import RecentArrays
from cellpose_studio.io.images.stored_image import Array
from cellpose_studio.io.temporary import place_for
from cellpose_studio.paths import cache_dir


class DecodeCache:
    """LRU cache of arrays, limited to a number of bytes; thread-safe.

    Parameters
    ----------
    capacity
        Bytes of the arrays in memory.
    on_disk
        Bytes of larger arrays, which are mapped from files. Otherwise every plane and
        thumbnail of a huge picture would decode it anew.
    largest
        Of arrays beyond ``capacity`` that cannot be mapped, the last one is kept up
        to this size.
    folder
        Returns the folder for the mapped files.
    """

    def __init__(
        self,
        capacity: int,
        on_disk: int = 0,
        largest: int = 0,
        folder: Callable[[], Path] | None = None,
    ) -> None:
        self._capacity, self._on_disk = capacity, on_disk
        self._arrays: RecentArrays[Hashable] = RecentArrays(capacity)
        self._mapped: RecentArrays[Hashable] = RecentArrays(on_disk)
        self._largest = max(capacity, largest)
        self._folder = folder
        self._lock = threading.Lock()
        self._decoding: dict[Hashable, _Turn] = {}

    def get(self, key: Hashable, read: Callable[[], Array]) -> Array:
        """Return the array of ``key``; ``read`` provides it if it is not cached."""
        array = self._known(key)
        if array is not None:
            return array
        # A second thread waits for the same array: a huge one must not be in memory
        # twice. None waits for the decoding of another one.
        with self._alone(key):
            array = self._known(key)
            return self._kept(key, read()) if array is None else array

    def _known(self, key: Hashable) -> Array | None:
        with self._lock:
            array = self._arrays.find(key)
            return self._mapped.find(key) if array is None else array

    def _kept(self, key: Hashable, array: Array) -> Array:
        """Put an array into the cache; return it, or a copy that is mapped."""
        if array.nbytes > self._capacity and (mapped := self._map(array)) is not None:
            with self._lock:
                self._mapped.put(key, mapped)
            return mapped
        if array.nbytes > self._largest:
            return array
        # All readers share the array, so none of them may change it.
        array.flags.writeable = False
        with self._lock:
            self._arrays.put(key, array)
        return array

    def _map(self, array: Array) -> Array | None:
        if self._folder is None or array.nbytes > self._on_disk:
            return None
        return mapped_copy(array, self._folder())

    @contextmanager
    def _alone(self, key: Hashable) -> Iterator[None]:
        """Let one thread at a time decode the array of a key."""
        with self._lock:
            turn = self._decoding.setdefault(key, _Turn())
            turn.threads += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._lock:
                turn.threads -= 1
                if not turn.threads:
                    del self._decoding[key]


class _Turn:
    """The lock of one key, and how many threads have or want it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.threads = 0


def mapped_copy(array: Array, folder: Path) -> Array | None:
    """Return a copy of an array in a file of ``folder``, read-only; None if it is full.

    The file goes with the array, at the end of the process at the latest.
    """
    try:
        path = place_for(array.nbytes, folder)
        with _removing_on_failure(path):
            array.tofile(path)
            mapped = np.memmap(path, array.dtype, "r", shape=array.shape)
    except OSError:
        return None
    if os.name == "posix":
        # The content stays until it is unmapped, even if the process is killed.
        path.unlink()
    else:
        # Windows does not delete what is mapped; what is left goes at the next time.
        weakref.finalize(mapped, _remove, path)
    return mapped


@contextmanager
def _removing_on_failure(path: Path) -> Iterator[None]:
    """Remove a file if the block fails."""
    try:
        yield
    except BaseException:
        _remove(path)
        raise


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


DECODED = DecodeCache(
    256 * 1024**2,
    on_disk=8 * 1024**3,
    largest=1024**3,
    folder=lambda: cache_dir() / "decoded",
)
"""Decoded colour pages and images of all files."""
