"""Conversion of cells to ImageJ's regions of interest (ROIs)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np

from cellpose_studio.core.masks.labels import Labels, Points, polygons
from cellpose_studio.io.masks.export_format import MasksToExport

if TYPE_CHECKING:  # roifile is slow to import
    from roifile import ImagejRoi

# Commands of the path of a composite region, java.awt.geom.PathIterator's.
_MOVE, _DRAW, _CLOSE = 0, 1, 4

_MOST_GROUPS = 255
_FARTHEST = 60_535
"""Where ImageJ begins to take the 16 bits of a coordinate for a negative number."""


def write_rois(part: Path, masks: MasksToExport) -> None:
    """Write an archive of regions, which keep the ids of the cells.

    A region has the colour of the class of its cell, the name of the class as a
    property, and as group the place of the class in the list.
    """
    # What ImageJ calls a hyperstack: more than one of these, where colours are one.
    image = masks.image
    channels = 1 if image.rgb else image.channels
    lengths = (image.frames, channels, image.planes)
    hyperstack = sum(n > 1 for n in lengths) > 1
    # roifile opens the archive anew for each region.
    with ZipFile(part, "w", ZIP_STORED) as archive:
        for cell, roi in rois_of(masks.labels, masks.axes, hyperstack):
            if cell in masks.classes:
                _set_class(roi, *masks.classes[cell], masks.class_number(cell))
            archive.writestr(f"{roi.name}.roi", roi.tobytes())


def rois_of(
    labels: Labels, axes: str, hyperstack: bool
) -> Iterator[tuple[int, ImagejRoi]]:
    """Yield a cell and its region, for each in each plane of a stack or time series.

    A region covers exactly the pixels of its cell, because its corners are pixel
    corners: regions through the centres of the border pixels, which Cellpose writes,
    come out smaller than the cell (Cellpose issue 757). A cell with holes or in
    several parts becomes a composite region, and so does one that reaches beyond what
    the numbers of the others can hold.

    The name is the cell's id, followed by time point and plane from 1 on where there
    are several: "7-3" is cell 7 in plane 3, "7-2-3" in plane 3 of time point 2.

    Parameters
    ----------
    labels
        Label image with ``axes`` YX, ZYX, TYX or TZYX.
    hyperstack
        Whether the image has more than one of channels, planes and time points. ImageJ
        then numbers each axis separately, otherwise the images of the stack; a position
        of the wrong kind makes it show the region on all images.
    """
    for place in np.ndindex(labels.shape[:-2]):
        # ImageJ counts positions from 1, because 0 stands for all images.
        numbers = [index + 1 for index in place]
        for cell, lines in polygons(labels[place]).items():
            simple = len(lines) == 1 and lines[0].max() <= _FARTHEST
            region = _traced(lines[0]) if simple else _composite(lines)
            region.name = "-".join(str(part) for part in (cell, *numbers))
            if hyperstack:
                # The axes end in YX, for which there are no numbers.
                where = dict(zip(axes, numbers, strict=False))
                region.t_position = where.get("T", 0)
                region.z_position = where.get("Z", 0)
            elif numbers:
                region.position = numbers[0]
            yield cell, region


def _set_class(region: ImagejRoi, name: str, colour: str, number: int) -> None:
    # ImageJ stores the group in a byte.
    region.group = number if number <= _MOST_GROUPS else 0
    region.stroke_color = bytes.fromhex(f"ff{colour.removeprefix('#')}")
    # ImageJ ends a property with the line, and its key with the colon.
    region.props = f"class: {' '.join(name.split())}\n"


def _traced(line: Points) -> ImagejRoi:
    """Return a region of one line, of the kind that ImageJ's wand tool makes."""
    from roifile import ROI_TYPE, ImagejRoi

    region = ImagejRoi()
    region.roitype = ROI_TYPE.TRACED
    _set_box(region, line)
    region.n_coordinates = len(line)
    region.integer_coordinates = line - (region.left, region.top)
    return region


def _composite(lines: list[Points]) -> ImagejRoi:
    """Return a region of several lines; a hole runs in the opposite direction."""
    from roifile import ROI_TYPE, ImagejRoi

    path: list[Any] = []
    for line in lines:
        for n, (x, y) in enumerate(line):
            path += [_MOVE if n == 0 else _DRAW, x, y]
        path.append(_CLOSE)
    region = ImagejRoi()
    # To ImageJ, a composite region is a rectangle that has a path.
    region.roitype = ROI_TYPE.RECT
    region.shape_roi_size = len(path)
    region.multi_coordinates = np.array(path, np.float32)
    _set_box(region, np.concatenate(lines))
    return region


def _set_box(region: ImagejRoi, corners: Points) -> None:
    region.left, region.top = (int(n) for n in corners.min(axis=0))
    region.right, region.bottom = (int(n) for n in corners.max(axis=0))
