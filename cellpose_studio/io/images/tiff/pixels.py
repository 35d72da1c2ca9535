"""Lazy reading of the pixels of TIFF files."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellpose_studio.io.images.decode_cache import DECODED
from cellpose_studio.io.images.stored_image import Array

if TYPE_CHECKING:
    from tifffile import TiffFrame, TiffPage

    Page = TiffPage | TiffFrame


class MappedPixels:
    """An uncompressed, contiguous array in a file, read through a memory map."""

    def __init__(
        self, path: Path, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        self._path = path
        self._offset = offset
        self._shape = shape
        self._dtype = dtype

    def read(self, index: tuple[slice, ...]) -> Array:
        """Copy a part of the array; the file is open only meanwhile."""
        # On Windows, a map that stays open would keep other programs from replacing the
        # file.
        whole = np.memmap(self._path, self._dtype, "r", self._offset, self._shape)
        # A view would keep the map open, so the part is copied.
        return np.array(whole[index])


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
        if not _covers_planes(page, index):
            # All pages of a file share one handle with one position, so only one thread
            # may use it.
            with self._lock, _opened(page):
                return _region(page, index)
        # Channels are read one after the other, but the colours of a pixel are stored
        # together. Without the cache, each page would be decoded once per colour.
        if "S" in page.axes:
            return DECODED.get((self._key, number), lambda: self._whole(page))[index]
        return self._whole(page)[index]

    def _whole(self, page: Page) -> Array:
        with self._lock, _opened(page):
            return page.asarray()


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
