"""Detects damaged and truncated TIFF files without reading their pixels."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cellpose_studio.io.images.stored_image import damaged, refuse_large_part

if TYPE_CHECKING:
    from tifffile import TiffFile

    from cellpose_studio.io.images.tiff.pixels import Page

# This tag, ImageDescription, contains OME-XML or the metadata of ImageJ.
_DESCRIPTION = 270

_MOST_TAGS = 4096
"""A directory with more tags counts as damaged, as in tifffile."""


def check_directories(tiff: TiffFile, path: Path) -> None:
    """Follow the chain of directories, one per page, to its end.

    Raises
    ------
    ImageUnreadable
        If it leads out of the file or in a circle, or if the description of the
        first page lies outside the file, which tifffile would silently skip.
    """
    first = tiff.pages.first
    codes, following = _directory(tiff, first.offset)
    if _DESCRIPTION in codes and _DESCRIPTION not in first.tags:
        raise damaged(path)
    seen = {first.offset}
    while following:
        if following in seen or len(codes) > _MOST_TAGS:
            raise damaged(path)
        seen.add(following)
        codes, following = _directory(tiff, following)


def check_pages(pages: Sequence[Page], path: Path) -> None:
    """Raise unless all pixels of the pages are within their files.

    Raises
    ------
    ImageUnreadable
        If they are not, or if one tile or strip is absurdly large.
    """
    refuse_large_tiles(pages, path)
    for page in pages:
        too_few = len(page.dataoffsets) < math.prod(page.chunked)
        if too_few or _end(page) > page.parent.filehandle.size:
            raise damaged(path)


def refuse_large_tiles(pages: Sequence[Page], path: Path) -> None:
    """Raise if a tile or strip, which is decoded as a whole, is too large.

    Raises
    ------
    ImageUnreadable, NotEnoughMemory
        As `refuse_large_part` does.
    """
    for page in pages:
        pixel = page.dtype.itemsize if page.dtype is not None else 1
        refuse_large_part(path, math.prod(page.chunks) * pixel)


def _directory(tiff: TiffFile, offset: int) -> tuple[list[int], int]:
    """Return the tag codes of a page, and the offset of the next directory."""
    layout, file = tiff.tiff, tiff.filehandle
    file.seek(offset)
    (count,) = struct.unpack(layout.tagnoformat, file.read(layout.tagnosize))
    # The count has 64 bits in a BigTIFF: a damaged one would ask for more memory than
    # there is.
    count = min(count, _MOST_TAGS + 1)
    tags = file.read(count * layout.tagsize)
    # Only the code of a tag matters here, so its other bytes are skipped as padding.
    codes = struct.iter_unpack(f"{layout.byteorder}H{layout.tagsize - 2}x", tags)
    (following,) = struct.unpack(layout.offsetformat, file.read(layout.offsetsize))
    return [code for (code,) in codes], following


def _end(page: Page) -> int:
    """Return the offset of the end of the pixels of a page."""
    if page.is_contiguous:
        return page.dataoffsets[0] + page.nbytes
    parts = zip(page.dataoffsets, page.databytecounts, strict=False)
    return max((offset + length for offset, length in parts), default=0)
