"""How much of a large array an operation touches and takes in memory."""

from __future__ import annotations

import mmap
import tempfile
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

T = TypeVar("T")


@dataclass(frozen=True)
class Touched:
    """What an operation needed, bytes."""

    read: int
    """Of the array, in the pages and their neighbours that the system mapped."""
    taken: int
    """Of memory at once, beyond what was there before."""


class Watched:
    """An array in a file, whose pages tell which of them were used; only on Linux."""

    def __init__(self, values: np.ndarray) -> None:
        with tempfile.TemporaryFile() as file:
            file.truncate(values.nbytes)
            self._pages = mmap.mmap(file.fileno(), values.nbytes)
        self.array = np.frombuffer(self._pages, values.dtype).reshape(values.shape)
        self.array[...] = values
        self._start = self.array.ctypes.data

    def run(self, call: Callable[[], T]) -> tuple[T, Touched]:
        """Return what ``call`` returns, and what it touched."""
        self._pages.madvise(mmap.MADV_DONTNEED)
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            result = call()
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        return result, Touched(self._resident(), most - before)

    def _resident(self) -> int:
        """Return how many bytes of the array this process has in memory."""
        here = f"{self._start:x}-"
        lines = iter(Path("/proc/self/smaps").read_text().splitlines())
        assert any(line.startswith(here) for line in lines)
        size = next(line for line in lines if line.startswith("Rss:"))
        return int(size.split()[1]) * 1024
