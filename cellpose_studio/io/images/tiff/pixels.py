"""Lazy reading of the pixels of TIFF files."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.io.images.decode_cache import DECODED
from cellpose_studio.io.images.stored_image import Array

if TYPE_CHECKING:
    from tifffile import TiffFrame, TiffPage

    Page = TiffPage | TiffFrame


Lengths = npt.NDArray[np.int64]

_LARGE_PAGE = 1 << 26  # bytes
_BLOCK = 1 << 22  # bytes; more are not read only to skip a part of them


class PlainPixels:
    """An uncompressed, contiguous array in a file, of which only parts are read."""

    def __init__(
        self, path: Path, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        self._path = path
        self._offset = offset
        self._shape = shape
        self._dtype = dtype

    def read(self, index: tuple[slice, ...]) -> Array:
        """Return a part of the array; the file is open only meanwhile.

        Raises
        ------
        EOFError
            If the file has become shorter. A memory map would end the process then,
            without an error that could be caught.
        """
        spans = [(span.start, span.stop) for span in index]
        pixels = np.empty([stop - start for start, stop in spans], self._dtype)
        if not pixels.size:
            return pixels
        strides = np.cumprod([1, *self._shape[:0:-1]])[::-1] * self._dtype.itemsize
        first = self._offset + int(np.dot(strides, [start for start, _ in spans]))
        axis = self._read_at_once(pixels.shape, strides)
        # Unbuffered: each block is read right into its place.
        with self._path.open("rb", buffering=0) as file:
            for place in np.ndindex(*pixels.shape[:axis]):
                file.seek(first + int(np.dot(strides[:axis], place)))
                _fill(file, pixels[place], tuple(strides[axis:].tolist()))
        return pixels

    def _read_at_once(self, shape: tuple[int, ...], strides: Lengths) -> int:
        """Return the first of the axes of which one block of the file is read.

        It holds nothing but what is wanted, or is short.
        """
        axis = len(shape) - 1
        while axis > 0:
            whole = shape[axis:] == self._shape[axis:]
            if not whole and _extent(shape[axis - 1 :], strides[axis - 1 :]) > _BLOCK:
                break
            axis -= 1
        return axis


def _extent(shape: tuple[int, ...], strides: Lengths) -> int:
    """Return the bytes from the first to the last pixel of a part, that excluded."""
    return int(np.dot(strides, np.array(shape) - 1))


def _fill(file: RawIOBase, pixels: Array, strides: tuple[int, ...]) -> None:
    """Read a part of the array that has these strides in the file."""
    if strides == pixels.strides:
        _read_into(file, pixels)
        return
    length = _extent(pixels.shape, np.array(strides)) + pixels.itemsize
    block = np.empty(length, np.uint8)
    _read_into(file, block)
    pixels[...] = np.ndarray(pixels.shape, pixels.dtype, block, 0, strides)


def _read_into(file: RawIOBase, pixels: Array) -> None:
    """Read bytes into all of a contiguous array."""
    left = pixels.reshape(-1).view(np.uint8).data
    while left:
        # Systems limit the length of one read, to 2 GB for example.
        count = file.readinto(left)
        if not count:
            raise EOFError("the file ends before its pixels do")
        left = left[count:]


class PagePixels:
    """An array of pages; the axes of a page come last."""

    def __init__(
        self, pages: Sequence[Page], shape: tuple[int, ...], lock: threading.Lock
    ) -> None:
        self._pages = pages
        self._shape = shape
        self._lock = lock
        # Another opening of the same path has a key of its own, because the file may
        # have been replaced in between.
        self._key = object()

    def read(self, index: tuple[slice, ...]) -> Array:
        """Decode the required pages, or only the required tiles and strips.

        The files are open only meanwhile.
        """
        first = self._pages[0]
        outer = len(self._shape) - len(first.shape)
        numbers = np.arange(len(self._pages)).reshape(self._shape[:outer])
        numbers = numbers[index[:outer]]
        inner = [span.stop - span.start for span in index[outer:]]
        pixels = np.empty((numbers.size, *inner), first.dtype)
        for place, number in enumerate(numbers.flat):
            pixels[place] = self._part(int(number), index[outer:])
        return pixels.reshape(*numbers.shape, *inner)

    def _part(self, number: int, index: tuple[slice, ...]) -> Array:
        page = self._pages[number]
        # Reading a part is worth it only where tiles or strips can be skipped.
        large = _is_one_large_part(page)
        if not _covers_planes(page, index) and not large:
            # All pages of a file share one handle with one position, so only one thread
            # may use it.
            with self._lock, _opened(page):
                return _region(page, index)
        # Channels are read one after the other, but the colours of a pixel are stored
        # together. Without the cache, each page would be decoded once per colour, and a
        # large one that is a single strip for each part of it.
        if "S" in page.axes or large:
            return DECODED.get((self._key, number), lambda: self._whole(page))[index]
        return self._whole(page)[index]

    def _whole(self, page: Page) -> Array:
        with self._lock, _opened(page):
            return page.asarray()


def _is_one_large_part(page: Page) -> bool:
    """Return whether a page has to be decoded as a whole, which takes long."""
    return len(page.dataoffsets) == 1 and page.nbytes > _LARGE_PAGE


def _covers_planes(page: Page, index: tuple[slice, ...]) -> bool:
    spans = zip(page.axes, page.shape, index, strict=True)
    return all(span == slice(0, n) for axis, n, span in spans if axis in "YX")


@contextmanager
def _opened(page: Page) -> Iterator[None]:
    """Keep the file of a page open during the block."""
    file = page.parent.filehandle
    file.open()
    try:
        yield
    finally:
        file.close()


def _region(page: Page, index: tuple[slice, ...]) -> Array:
    """Decode the tiles or strips of a page that overlap a region."""
    # Most images are read without zarr, so it is imported only here.
    import zarr

    store = page.aszarr(read_only=True)
    try:
        return np.asarray(zarr.open_array(store, mode="r", zarr_format=2)[index])
    finally:
        store.close()
