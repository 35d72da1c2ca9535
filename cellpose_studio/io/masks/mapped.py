"""Label images that are larger than the memory should hold: arrays in files.

Pages that were used stay in the memory of a process until the system needs it: what is
used by turns would add up to all of it. On Linux, they are put aside in between, which
loses nothing; they come back when they are used.
"""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from cellpose_studio.io.temporary import place_for
from cellpose_studio.paths import cache_dir

Labels = npt.NDArray[np.uint32]
Array = npt.NDArray[Any]

MOST_IN_MEMORY = 128 * 1024**2
"""Bytes of a label image above which it is mapped from a file."""

MOST_RESIDENT = 384 * 1024**2
"""Bytes of files that may stay in the memory of this process."""

PAUSE = 0.1
"""Seconds between two looks at them."""

_PART = 64 * 1024**2
"""Bytes that are put aside at once; other threads of Python wait for that."""

_STATUS = Path("/proc/self/statm")

_lock = threading.Lock()
_mapped_files: WeakSet[mmap.mmap] = WeakSet()
_watching = False


def masks_folder() -> Path:
    """Return the folder of the files, in the user's cache."""
    return cache_dir() / "masks"


def empty_labels(
    shape: tuple[int, ...],
    most: int | None = None,
    folder: Callable[[], Path] = masks_folder,
) -> Labels:
    """Return labels of zeros, to be written to; see `empty_array`."""
    return empty_array(shape, np.uint32, most, folder)


def empty_array(
    shape: tuple[int, ...],
    dtype: npt.DTypeLike,
    most: int | None = None,
    folder: Callable[[], Path] = masks_folder,
) -> Array:
    """Return an array of zeros, to be written to, C-contiguous.

    Beyond ``most`` bytes, `MOST_IN_MEMORY` if None, they lie in a file, so that the
    system can put pixels aside that nobody uses. The file goes with the array. Without
    room for it they are in memory.

    Raises
    ------
    MemoryError
        If they fit neither on the disk nor in memory.
    """
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if size > (MOST_IN_MEMORY if most is None else most):
        try:
            return np.frombuffer(_mapped(size, folder()), dtype).reshape(shape)
        except OSError:
            pass
    return np.zeros(shape, dtype)


def _mapped(size: int, folder: Path) -> mmap.mmap:
    path = place_for(size, folder)
    # On Windows, the file is removed when the last handle is closed.
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
    flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_TEMPORARY", 0)
    file = os.open(path, flags, 0o600)
    try:
        if os.name == "posix":
            # The content stays until it is unmapped, even if the process is killed.
            path.unlink()
        if hasattr(os, "posix_fallocate"):
            # On a disk that is full, writing to pixels would end the process.
            os.posix_fallocate(file, 0, size)
        else:
            os.ftruncate(file, size)
        return _watched(mmap.mmap(file, size))
    finally:
        os.close(file)


def _watched(pages: mmap.mmap) -> mmap.mmap:
    """Put pages aside whenever many are in memory; return them."""
    global _watching
    if hasattr(mmap, "MADV_DONTNEED") and _STATUS.is_file():
        with _lock:
            _mapped_files.add(pages)
            if not _watching:
                _watching = True
                threading.Thread(target=_watch, daemon=True).start()
    return pages


def _watch() -> None:
    """Look at the pages in memory until there are no files left."""
    global _watching
    pause = threading.Event()
    # Libraries are mapped files, too.
    others = resident()
    while True:
        pause.wait(PAUSE)
        with _lock:
            if not _mapped_files:
                _watching = False
                return
        if resident() > others + MOST_RESIDENT:
            _put_all_aside()
            others = resident()


def _put_all_aside() -> None:
    # In a function of its own: a variable of the loop above would hold the last file.
    with _lock:
        every = [*_mapped_files]
    for pages in every:
        _put_aside(pages)


def _put_aside(pages: mmap.mmap) -> None:
    for start in range(0, len(pages), _PART):
        length = min(_PART, len(pages) - start)
        pages.madvise(mmap.MADV_DONTNEED, start, length)


def resident() -> int:
    """Return how many bytes of mapped files are in the memory of this process."""
    return int(_STATUS.read_text().split()[2]) * mmap.PAGESIZE
