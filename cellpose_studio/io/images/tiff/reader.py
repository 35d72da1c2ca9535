"""Reader of TIFF files: plain ones, those of ImageJ, and OME-TIFF."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.core.images.grey_calibration import RAW, GreyCalibration
from cellpose_studio.core.images.image import Colour
from cellpose_studio.core.wording import listed
from cellpose_studio.io.images.stored_image import (
    UNKNOWN_SIZE,
    PixelSize,
    Stored,
    StoredPixels,
    damaged,
)
from cellpose_studio.io.images.tiff import imagej, microscopes
from cellpose_studio.io.images.tiff.check import check_directories, check_pages
from cellpose_studio.io.images.tiff.ome_stopped import shortened
from cellpose_studio.io.images.tiff.ome_xml import OmeXml, read_ome_xml
from cellpose_studio.io.images.tiff.photometric import as_shown
from cellpose_studio.io.images.tiff.pixels import PagePixels, PlainPixels
from cellpose_studio.io.images.vendor.scenes import apart

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage, TiffPageSeries

# The version is 42, an asterisk, in TIFF, and 43, a plus sign, in BigTIFF.
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_RGB, _SEPARATED, _YCBCR = 2, 5, 6
"""Photometric interpretations of TIFF 6.0."""

_ALPHA = (1, 2)
"""Kinds of extra samples that mean transparency."""

_JPEG_2000 = (33003, 33004, 33005, 34712)
"""Compressions; OpenJPEG gives unsigned 32 bits back with other numbers."""

_OPEN_AXIS = "?"

_PAGES = ("generic", "shaped", "uniform")
"""Kinds of series whose metadata say nothing but a shape."""


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """Metadata of one image; ``axes`` has every axis longer than 1."""

    axes: str
    likely: str = ""
    name: str = ""
    pixel_size_um: PixelSize = UNKNOWN_SIZE
    channel_names: tuple[str, ...] = ()
    channel_colours: tuple[Colour | None, ...] = ()
    step_ratio: float | None = None
    interval_s: float | None = None
    grey_calibration: GreyCalibration = RAW


def open_tiff(path: Path) -> list[Stored]:
    """Return the images of a TIFF file, at full resolution.

    Metadata that contradict the pages are ignored, so that the axes are unknown.

    Raises
    ------
    ImageUnreadable
        If it is damaged, truncated, not supported, or part of a set of files of which
        others are missing.
    """
    import tifffile

    # With its own parser, tifffile would follow references to any file. The OME-XML is
    # therefore checked and reduced first, and given to the second opening.
    with tifffile.TiffFile(path) as tiff:
        check_directories(tiff, path)
        ome = read_ome_xml(path, tiff.pages.first.description) if tiff.is_ome else None
        short = shortened(ome, len(tiff.pages)) if ome else None
    # Micro-Manager writes OME-XML and its own metadata, which are less complete.
    with tifffile.TiffFile(
        path,
        omexml=ome.text if ome else None,
        is_ome=ome is not None,
        is_mmstack=False if ome else None,
    ) as tiff:
        if _as_announced(tiff, ome):
            return _images(tiff, path, ome)
        # ImageJ describes a stack beyond 4 GB with a single page: this one is cut off.
        if not tiff.pages.is_multipage or any(one.is_multifile for one in tiff.series):
            raise damaged(path)
    if short is not None:
        part, note = short
        with tifffile.TiffFile(path, omexml=part.text, is_mmstack=False) as tiff:
            if _as_announced(tiff, part):
                notes = (f"{path.name} is not complete: {note}.",)
                return [replace(i, notes=notes) for i in _images(tiff, path, part)]
    with tifffile.TiffFile(path, is_ome=False, is_imagej=False) as tiff:
        return _images(tiff, path, None)


def _as_announced(tiff: TiffFile, ome: OmeXml | None) -> bool:
    """Return whether the pages are those that the metadata describe."""
    if not all(map(_is_complete, tiff.series)):
        return False
    kind = "ome" if ome else "imagej" if tiff.is_imagej else ""
    number = len(ome.images) if ome else len(tiff.series)
    return number == len(tiff.series) and all(
        one.kind == kind for one in tiff.series if kind
    )


def _is_complete(series: TiffPageSeries) -> bool:
    if series.dataoffset is not None:
        return True
    shape, page = series.get_shape(squeeze=True), series.keyframe.shape
    outer = shape[: len(shape) - len(page)]
    pages = sum(page is not None for page in series)
    return (*outer, *page) == shape and math.prod(outer) == pages


def _images(tiff: TiffFile, path: Path, ome: OmeXml | None) -> list[Stored]:
    """Return the images without thumbnails."""
    full = [one for one in tiff.series if ome or not one.keyframe.is_reduced]
    series = full or tiff.series
    # All images of the file share one handle, and therefore one lock.
    lock = threading.Lock()
    images = [
        _stored(one, facts, path, lock)
        for one, facts in zip(series, _facts(tiff, series, ome), strict=True)
    ]
    if not tiff.is_lsm:
        return images
    words = microscopes.LSM_WORDS
    return [part for image in images for part in apart(image, words, {})]


def _facts(
    tiff: TiffFile, series: list[TiffPageSeries], ome: OmeXml | None
) -> list[_Facts]:
    if ome:
        return [
            _Facts(
                axes=one.axes,
                likely="",
                name=image.name,
                pixel_size_um=image.pixel_size_um,
                channel_names=image.channel_names,
                channel_colours=image.channel_colours,
                step_ratio=image.step_ratio,
                interval_s=image.interval_s,
            )
            for one, image in zip(series, ome.images, strict=True)
        ]
    return [_plain_facts(tiff, one) for one in series]


def _plain_facts(tiff: TiffFile, series: TiffPageSeries) -> _Facts:
    axes = series.get_axes(squeeze=True).upper()
    if series.kind == "imagej":
        return _imagej_facts(tiff, series, axes)
    if series.kind == "lsm":
        return _lsm_facts(tiff.lsm_metadata or {}, axes)
    if series.kind == "stk":
        return _stk_facts(tiff.stk_metadata or {}, axes, series.shape[0])
    description = series.keyframe.shaped_description or ""
    # tifffile takes an array of 3 or 4 planes without axes for a colour image.
    if series.kind == "shaped" and axes[0] == "S" and '"axes"' not in description:
        axes = _OPEN_AXIS + axes[1:]
    return _Facts(axes=axes, name=series.name)


def _imagej_facts(tiff: TiffFile, series: TiffPageSeries, axes: str) -> _Facts:
    metadata = tiff.imagej_metadata or {}
    likely = ""
    if "Z" in axes and "T" not in axes and imagej.is_plain_stack(metadata):
        likely = axes.replace("Z", "T") if imagej.is_film(metadata) else axes
        axes = axes.replace("Z", _OPEN_AXIS)
    tags = series.keyframe.tags
    x, y = (tags.valueof(f"{a}Resolution") for a in "XY")
    unit = int(tags.valueof("ResolutionUnit", 0))
    channels = dict(zip(axes, series.shape, strict=True)).get("C", 1)
    return _Facts(
        axes=axes,
        likely=likely,
        name="",
        pixel_size_um=imagej.pixel_size_um(metadata, x, y),
        channel_names=imagej.channel_names(metadata, channels),
        channel_colours=imagej.channel_colours(metadata, channels),
        step_ratio=imagej.step_ratio_of(metadata, y, unit),
        interval_s=imagej.interval_s(metadata),
        grey_calibration=imagej.grey_calibration(metadata),
    )


def _lsm_facts(metadata: dict[str, Any], axes: str) -> _Facts:
    return _Facts(
        axes=axes,
        pixel_size_um=microscopes.lsm_pixel_size(metadata),
        channel_names=microscopes.lsm_channel_names(metadata),
        channel_colours=microscopes.lsm_channel_colours(metadata),
        interval_s=microscopes.lsm_interval_s(metadata),
    )


def _stk_facts(metadata: dict[str, Any], axes: str, planes: int) -> _Facts:
    # tifffile writes I where it does not know what planes are.
    plane = microscopes.stk_axis(metadata, planes) or _OPEN_AXIS
    return _Facts(
        axes=axes.replace("I", plane),
        pixel_size_um=microscopes.stk_pixel_size(metadata),
        interval_s=microscopes.stk_interval_s(metadata),
    )


def _stored(
    series: TiffPageSeries, facts: _Facts, path: Path, lock: threading.Lock
) -> Stored:
    shape = series.get_shape(squeeze=True)
    _check_kind(series.keyframe, path)
    page = series.keyframe
    samples, colour = _samples(page) if "S" in facts.axes else (1, False)
    stored = Stored(
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
        channel_colours=facts.channel_colours,
        step_ratio=facts.step_ratio,
        interval_s=facts.interval_s,
        grey_calibration=facts.grey_calibration,
        notes=_notes(series, path),
        page=series.kind in _PAGES,
    )
    return as_shown(stored, page.photometric, page.colormap, page.bitspersample)


def _notes(series: TiffPageSeries, path: Path) -> tuple[str, ...]:
    """Return what to say of pages that are not used, as they look like smaller copies.

    Where the file says that they are, nobody misses them.
    """
    guessed = [one for one in series.levels[1:] if not one.keyframe.is_reduced]
    if not guessed or series.kind == "ome":
        return ()
    sizes = listed([f"{y} × {x}" for y, x in (one.shape[:2] for one in guessed)])
    page = "page" if len(guessed) == 1 else "pages"
    copies = "a smaller copy" if len(guessed) == 1 else "smaller copies"
    return (
        f"{path.name} has {len(guessed)} more {page} ({sizes} px), taken for {copies} "
        "of the first one: only that is used.",
    )


def _check_kind(page: TiffPage, path: Path) -> None:
    from tifffile import TIFF

    if page.dtype is None or page.photometric == _SEPARATED:
        raise ImageUnreadable(
            f"{path.name} has a pixel type that cannot be shown.",
            "Save it as grey values or RGB, with 8, 16 or 32 bits.",
        )
    if page.compression not in TIFF.DECOMPRESSORS:
        raise ImageUnreadable(
            f"{path.name} uses a compression that cannot be read.",
            "Save it without compression, or with LZW or Deflate.",
        )
    if page.dtype == np.uint32 and page.compression in _JPEG_2000:
        raise ImageUnreadable(
            f"{path.name} has 32 bits compressed as JPEG 2000, which changes numbers.",
            "Save it without compression, or with LZW or Deflate.",
        )


def _samples(page: TiffPage) -> tuple[int, bool]:
    """Return how many samples of a pixel are used, and whether they are colours."""
    samples = page.samplesperpixel
    if page.photometric in (_RGB, _YCBCR) and samples in (3, 4):
        return 3, True
    return samples - sum(kind in _ALPHA for kind in page.extrasamples), False


def _pixels(
    series: TiffPageSeries, shape: tuple[int, ...], path: Path, lock: threading.Lock
) -> StoredPixels:
    keyframe = series.keyframe
    file = keyframe.parent
    # An offset is set only where all pixels lie uncompressed one after the other.
    if series.dataoffset is not None and not series.is_multifile:
        # The type of a page is in native order, but the map shows the bytes of the
        # file.
        dtype = np.dtype(keyframe.dtype).newbyteorder(file.byteorder)
        end = series.dataoffset + math.prod(shape) * dtype.itemsize
        # A truncated file is refused at once, not when its last planes are shown.
        if end > file.filehandle.size:
            raise damaged(path)
        return PlainPixels(path, series.dataoffset, shape, dtype)
    pages = [page for page in series if page is not None]
    check_pages(pages, path)
    return PagePixels(pages, shape, lock)
