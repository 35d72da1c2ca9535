"""Files of regions: ImageJ's archives and overlays, GeoJSON of QuPath, COCO."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cellpose_studio.core.errors import MasksUnreadable, NotEnoughMemory
from cellpose_studio.io.images.stored_image import refuse_beyond_memory
from cellpose_studio.io.masks.exchange.coco.reader import (
    extent_of_coco,
    regions_of_coco,
)
from cellpose_studio.io.masks.exchange.extent import ImageExtent
from cellpose_studio.io.masks.exchange.geojson_reader import regions_of_geojson
from cellpose_studio.io.masks.exchange.imagej.roi_reader import (
    overlays_of,
    regions_of_archive,
    regions_of_rois,
)
from cellpose_studio.io.masks.exchange.regions import FoundRegions, draw_regions
from cellpose_studio.io.masks.imported import ImportedMasks

SUFFIXES = (".zip", ".roi", ".geojson", ".json")
"""Files that may hold regions, in lower case."""


def is_regions_path(path: Path) -> bool:
    """Return whether a file holds regions; archives and JSON may hold anything else."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        return False
    try:
        if suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                return any(n.lower().endswith(".roi") for n in archive.namelist())
        return suffix != ".json" or _is_coco(_json(path))
    except (OSError, ValueError, RecursionError, zipfile.BadZipFile):
        return suffix == ".geojson"


def read_regions(path: Path, extent: ImageExtent | None) -> ImportedMasks:
    """Read regions as masks of an image; only COCO files say how large it is.

    Raises
    ------
    MasksUnreadable
        If the file is damaged, has no regions, or does not fit the image; if
        ``extent`` is needed and None.
    """

    def read() -> ImportedMasks:
        if path.suffix.lower() in (".zip", ".roi"):
            of_image = _needed(extent, path)
            return draw_regions(regions_of_archive(path, of_image), of_image, path)
        content = _json(path)
        if not _is_coco(content):
            of_image = _needed(extent, path)
            return draw_regions(regions_of_geojson(content), of_image, path)
        of_image = extent or extent_of_coco(content, path)
        found = regions_of_coco(content, of_image, path)
        return draw_regions(found, of_image, path)

    return _reading(path, read)


def has_overlay(path: Path) -> bool:
    """Return whether a file is a TIFF with an overlay of ImageJ that has areas."""
    if path.suffix.lower() not in (".tif", ".tiff"):
        return False
    # A damaged overlay must not keep the image from being opened.
    try:
        found = _overlay(path, ImageExtent(height=1, width=1))
    except Exception:
        return False
    return bool(found.regions)


def read_overlay(path: Path, extent: ImageExtent) -> ImportedMasks:
    """Read the overlay of a TIFF of ImageJ as masks of its image.

    Raises
    ------
    MasksUnreadable
        If it is damaged, or has no areas.
    """
    return _reading(path, lambda: draw_regions(_overlay(path, extent), extent, path))


def _overlay(path: Path, extent: ImageExtent) -> FoundRegions:
    rois = overlays_of(path)
    return regions_of_rois(rois, extent) if rois else FoundRegions()


def _reading(path: Path, read: Callable[[], ImportedMasks]) -> ImportedMasks:
    try:
        return read()
    except (MasksUnreadable, NotEnoughMemory):
        raise
    except OSError as error:
        raise MasksUnreadable(
            f"{path.name} cannot be opened: {error.strerror or error}."
        ) from error
    # Damaged files can make the readers raise any exception.
    except Exception as error:
        raise MasksUnreadable(
            f"{path.name} is damaged, or holds no regions."
        ) from error


def _needed(extent: ImageExtent | None, path: Path) -> ImageExtent:
    if extent is None:
        raise MasksUnreadable(
            f"{path.name} does not say how large its image is.",
            "Put it beside the image, with a name that begins like that of the image.",
        )
    return extent


def _json(path: Path) -> Any:
    # Numbers as text become about this much larger in memory.
    refuse_beyond_memory(path, 10 * path.stat().st_size)
    return json.loads(path.read_text(encoding="utf-8-sig"))


def _is_coco(content: Any) -> bool:
    return isinstance(content, dict) and {"images", "annotations"} <= content.keys()
