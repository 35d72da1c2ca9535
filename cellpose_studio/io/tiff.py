"""Opening TIFF files: plain ones, those of ImageJ, and OME-TIFF."""

from __future__ import annotations

import math
import struct
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.io import imagej
from cellpose_studio.io.ome_xml import OmeXml, read_ome_xml
from cellpose_studio.io.stored import (
    UNKNOWN_SIZE,
    PixelSize,
    Stored,
    StoredPixels,
    damaged,
)
from cellpose_studio.io.tiff_pixels import MappedPixels, PagePixels

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage, TiffPageSeries

    from cellpose_studio.io.tiff_pixels import Page

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_RGB, _SEPARATED, _YCBCR = 2, 5, 6
"""Photometric interpretations of TIFF 6.0."""

_ALPHA = (1, 2)
"""Kinds of extra samples that are transparency."""

_OPEN_AXIS = "?"


@dataclass(frozen=True)
class _Facts:
    """What the metadata say of one image; ``axes`` of every axis longer than 1."""

    axes: str
    likely: str = ""
    name: str = ""
    pixel_size_um: PixelSize = UNKNOWN_SIZE
    channel_names: tuple[str, ...] = ()


def open_tiff(path: Path) -> list[Stored]:
    """Return the images of a TIFF file, at full resolution.

    Raises
    ------
    ImageUnreadable
        If it is damaged, cut off, of a kind that cannot be shown, or a part of a set
        of files of which others are needed.
    """
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        _check_chain(tiff, path)
        ome = read_ome_xml(path, tiff.pages.first.description) if tiff.is_ome else None
    options = {"omexml": ome.text} if ome else {"is_ome": False}
    with tifffile.TiffFile(path, **options) as tiff:
        series = _full_images(tiff, path, ome)
        facts = _facts(tiff, series, ome)
        lock = threading.Lock()
        return [
            _stored(one, about, path, lock)
            for one, about in zip(series, facts, strict=True)
        ]


def _check_chain(tiff: TiffFile, path: Path) -> None:
    """Follow the chain of pages to its end, which a file that is cut off lacks."""
    layout, file = tiff.tiff, tiff.filehandle
    seen: set[int] = set()
    offset = tiff.pages.first.offset
    while offset:
        if offset in seen:
            raise damaged(path)
        seen.add(offset)
        file.seek(offset)
        (tags,) = struct.unpack(layout.tagnoformat, file.read(layout.tagnosize))
        file.seek(offset + layout.tagnosize + tags * layout.tagsize)
        (offset,) = struct.unpack(layout.offsetformat, file.read(layout.offsetsize))


def _full_images(
    tiff: TiffFile, path: Path, ome: OmeXml | None
) -> list[TiffPageSeries]:
    """Return the images without thumbnails, if all that were announced are there."""
    series = list(tiff.series)
    announced = "ome" if ome else "imagej" if tiff.is_imagej else ""
    if announced and any(one.kind != announced for one in series):
        raise damaged(path)
    if ome and len(series) != len(ome.images):
        raise damaged(path)
    full = [one for one in series if not one.keyframe.is_reduced]
    return series if ome else full or series


def _facts(
    tiff: TiffFile, series: list[TiffPageSeries], ome: OmeXml | None
) -> list[_Facts]:
    if ome:
        return [
            _Facts(one.axes, "", image.name, image.pixel_size_um, image.channel_names)
            for one, image in zip(series, ome.images, strict=True)
        ]
    return [_plain_facts(tiff, one) for one in series]


def _plain_facts(tiff: TiffFile, series: TiffPageSeries) -> _Facts:
    axes = series.get_axes(squeeze=True).upper()
    if series.kind == "imagej":
        return _imagej_facts(tiff, series, axes)
    description = series.keyframe.shaped_description or ""
    # tifffile calls an array of 3 or 4 planes a colour picture, if not told better.
    if series.kind == "shaped" and axes[0] == "S" and '"axes"' not in description:
        axes = _OPEN_AXIS + axes[1:]
    return _Facts(axes, name=series.name)


def _imagej_facts(tiff: TiffFile, series: TiffPageSeries, axes: str) -> _Facts:
    metadata = tiff.imagej_metadata or {}
    likely = ""
    if "Z" in axes and "T" not in axes and imagej.is_plain_stack(metadata):
        likely = axes.replace("Z", "T") if imagej.is_film(metadata) else axes
        axes = axes.replace("Z", _OPEN_AXIS)
    x, y = (series.keyframe.tags.valueof(f"{a}Resolution") for a in "XY")
    channels = dict(zip(axes, series.shape, strict=True)).get("C", 1)
    return _Facts(
        axes,
        likely,
        "",
        imagej.pixel_size_um(metadata, x, y),
        imagej.channel_names(metadata, channels),
    )


def _stored(
    series: TiffPageSeries, facts: _Facts, path: Path, lock: threading.Lock
) -> Stored:
    shape = series.get_shape(squeeze=True)
    _check_kind(series.keyframe, path)
    samples, colour = _samples(series.keyframe) if "S" in facts.axes else (1, False)
    return Stored(
        axes=facts.axes,
        shape=shape,
        dtype=np.dtype(series.keyframe.dtype),
        pixels=_pixels(series, shape, path, lock),
        samples=samples,
        colour=colour,
        likely=facts.likely,
        scene=facts.name,
        pixel_size_um=facts.pixel_size_um,
        channel_names=facts.channel_names,
    )


def _check_kind(page: TiffPage, path: Path) -> None:
    from tifffile import TIFF

    if page.dtype is None or page.photometric == _SEPARATED:
        raise ImageUnreadable(
            f"{path.name} holds pixels of a kind that cannot be shown.",
            "Save it as grey values or RGB, with 8, 16 or 32 bits.",
        )
    if page.compression not in TIFF.DECOMPRESSORS:
        raise ImageUnreadable(
            f"{path.name} is compressed in a way that cannot be read.",
            "Save it without compression, or with LZW or Deflate.",
        )


def _samples(page: TiffPage) -> tuple[int, bool]:
    """Return how many samples of a pixel count, and whether they are colours."""
    samples = page.samplesperpixel
    if page.photometric in (_RGB, _YCBCR) and samples in (3, 4):
        return 3, True
    return samples - sum(kind in _ALPHA for kind in page.extrasamples), False


def _pixels(
    series: TiffPageSeries, shape: tuple[int, ...], path: Path, lock: threading.Lock
) -> StoredPixels:
    keyframe = series.keyframe
    file = keyframe.parent
    if series.dataoffset is not None and not series.is_multifile:
        dtype = np.dtype(keyframe.dtype).newbyteorder(file.byteorder)
        end = series.dataoffset + math.prod(shape) * dtype.itemsize
        if end > file.filehandle.size:
            raise damaged(path)
        return MappedPixels(path, series.dataoffset, shape, dtype)
    pages = [page for page in series if page is not None]
    outer = shape[: len(shape) - len(keyframe.shape)]
    if shape[len(outer) :] != keyframe.shape or len(pages) != math.prod(outer):
        raise damaged(path)
    if any(_end(page) > page.parent.filehandle.size for page in pages):
        raise damaged(path)
    return PagePixels(pages, shape, lock)


def _end(page: Page) -> int:
    """Return where the pixels of a page end in its file."""
    if page.is_contiguous:
        return page.dataoffsets[0] + page.nbytes
    parts = zip(page.dataoffsets, page.databytecounts, strict=False)
    return max((offset + length for offset, length in parts), default=0)
