"""Reads ImageJ's regions of interest: archives, single files, overlays of a TIFF."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cellpose_studio.io.masks.exchange.extent import ImageExtent
from cellpose_studio.io.masks.exchange.regions import (
    FoundRegions,
    Region,
    Ring,
    ellipse,
)

if TYPE_CHECKING:  # roifile is slow to import
    from roifile import ImagejRoi

_BENDS = 16
"""Straight pieces of a curve of a path."""

# Commands of the path of a composite region, java.awt.geom.PathIterator's, and how many
# points follow each.
_MOVE, _DRAW, _QUADRATIC, _CUBIC, _CLOSE = range(5)
_POINTS = {_MOVE: 1, _DRAW: 1, _QUADRATIC: 2, _CUBIC: 3, _CLOSE: 0}

_NAME = re.compile(r"[1-9]\d*(-[1-9]\d*)*")


def regions_of_archive(path: Path, extent: ImageExtent) -> FoundRegions:
    """Return the regions of a ``.zip`` or a single ``.roi`` file.

    Raises
    ------
    Exception
        If it is damaged.
    """
    if path.suffix.lower() == ".roi":
        return regions_of_rois([path.read_bytes()], extent)
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if n.lower().endswith(".roi")]
        return regions_of_rois([archive.read(name) for name in names], extent)


def overlays_of(path: Path) -> list[bytes]:
    """Return the regions of the overlay of a TIFF of ImageJ; none of other files."""
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        overlays = (tiff.imagej_metadata or {}).get("Overlays") or []
    # A single one is not in a list.
    return [overlays] if isinstance(overlays, bytes) else [*overlays]


def regions_of_rois(rois: list[bytes], extent: ImageExtent) -> FoundRegions:
    """Return the regions of which ``rois`` are the content of files.

    Cells have the ids that `exchange.imagej.rois` writes into the names, where all
    names agree with the position of their regions.
    """
    from roifile import ImagejRoi

    found = FoundRegions()
    for content in rois:
        roi = ImagejRoi.frombytes(content)
        rings = _rings(roi)
        if not rings:
            found.left_out[_kind(roi)] += 1
            continue
        if not all(np.isfinite(ring).all() for ring in rings):
            raise ValueError("a corner is not a number")
        t, z = _place(roi, extent)
        found.regions.append(
            Region(cell=_cell(roi.name, t, z, extent), t=t, z=z, areas=[rings])
        )
    return found


def _rings(roi: ImagejRoi) -> list[Ring]:
    """Return the lines of a region; none if it is a point, a line or a text."""
    from roifile import ROI_SUBTYPE, ROI_TYPE

    if roi.subtype in (ROI_SUBTYPE.TEXT, ROI_SUBTYPE.IMAGE, ROI_SUBTYPE.ARROW):
        return []
    if roi.composite and roi.multi_coordinates is not None:
        return [*_path(roi.multi_coordinates.tolist())]
    if roi.roitype in (ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED):
        return [np.asarray(roi.coordinates(), np.float64)]
    if roi.roitype not in (ROI_TYPE.RECT, ROI_TYPE.OVAL):
        return []
    low = np.array([roi.left, roi.top], np.float64)
    size = np.array([roi.right - roi.left, roi.bottom - roi.top], np.float64)
    if roi.subpixelrect:
        low = np.array([roi.xd, roi.yd], np.float64)
        size = np.array([roi.widthd, roi.heightd], np.float64)
    if roi.roitype == ROI_TYPE.OVAL:
        return [ellipse(low, low + size)]
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
    return [low + unit * size]


def _path(numbers: list[float]) -> Iterator[Ring]:
    """Yield the lines of a path, with curves as straight pieces.

    Raises
    ------
    ValueError
        If it is no path.
    """
    line: list[tuple[float, float]] = []
    at = 0
    while at < len(numbers):
        command = int(numbers[at])
        count = _POINTS.get(command)
        end = at + 1 + 2 * (count or 0)
        if count is None or end > len(numbers):
            raise ValueError(f"{command} is no command of a path")
        points = [
            *zip(numbers[at + 1 : end : 2], numbers[at + 2 : end : 2], strict=True)
        ]
        at = end
        if command == _MOVE:
            if len(line) > 2:
                yield np.array(line)
            line = points
        elif command == _DRAW:
            line += points
        elif count:
            line += _curve([line[-1], *points])
    if len(line) > 2:
        yield np.array(line)


def _curve(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return points along a Bézier curve, without its start."""
    at = np.linspace(0, 1, _BENDS + 1)[1:, None]
    level = [np.array(point) for point in points]
    while len(level) > 1:
        level = [a * (1 - at) + b * at for a, b in pairwise(level)]
    return [(float(x), float(y)) for x, y in level[0]]


def _place(roi: ImagejRoi, extent: ImageExtent) -> tuple[int | None, int | None]:
    """Return time point and plane of a region, from 0 on; None for all of them."""
    if roi.t_position or roi.z_position or roi.c_position:
        t = roi.t_position - 1 if roi.t_position else None
        return t, roi.z_position - 1 if roi.z_position else None
    if roi.position <= 0 or extent.frames == extent.planes == 1:
        return None, None
    # Otherwise the images of a stack are counted, channels first.
    rest = (roi.position - 1) // extent.channels
    return rest // extent.planes, rest % extent.planes


def _cell(name: str, t: int | None, z: int | None, extent: ImageExtent) -> int | None:
    """Return the id in a name such as 7, 7-3 or 7-2-3; None for other names."""
    if not _NAME.fullmatch(name):
        return None
    cell, *place = map(int, name.split("-"))
    # ImageJ's own names are made of a position and two coordinates.
    axes = ((t, extent.frames), (z, extent.planes))
    expected = [None if n is None else n + 1 for n, length in axes if length > 1]
    return cell if place == expected else None


def _kind(roi: ImagejRoi) -> str:
    from roifile import ROI_SUBTYPE, ROI_TYPE

    if roi.subtype == ROI_SUBTYPE.TEXT:
        return "text"
    return "point" if roi.roitype == ROI_TYPE.POINT else "line"
