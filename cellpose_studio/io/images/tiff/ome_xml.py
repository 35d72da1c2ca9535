"""Reads the OME-XML of a file, and selects the images that belong to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from cellpose_studio.core.images.image import Colour
from cellpose_studio.io.images.stored_image import PixelSize, damaged
from cellpose_studio.io.images.tiff.ome_elements import (
    children,
    image_elements,
    parse_xml,
)
from cellpose_studio.io.images.tiff.ome_set import companion_text, keep_images_of
from cellpose_studio.io.images.units import interval_of, step_ratio, to_seconds, to_um

_MOST_PLANES = 10**7


@dataclass(frozen=True, kw_only=True)
class OmeImage:
    """One image of OME-XML.

    Attributes
    ----------
    name
        As in the file; may be empty.
    pixel_size_um
        Along Z, Y and X in µm; None if unknown.
    channel_names
        One per channel; empty strings where there is none.
    channel_colours
        One per channel; None where there is none.
    step_ratio
        Z step over the size of a pixel where they have no unit of length.
    interval_s
        Seconds between time points; None where it is not known.
    """

    name: str
    pixel_size_um: PixelSize
    channel_names: tuple[str, ...]
    channel_colours: tuple[Colour | None, ...] = ()
    step_ratio: float | None = None
    interval_s: float | None = None


@dataclass(frozen=True)
class OmeXml:
    """The part of OME-XML that is about the images of one file.

    Attributes
    ----------
    text
        OME-XML of these images only. All other files that it refers to exist in the
        same folder.
    images
        In the order of ``text``.
    """

    text: str
    images: tuple[OmeImage, ...]


def read_ome_xml(path: Path, text: str) -> OmeXml | None:
    """Return the images in ``text``, the OME-XML of the TIFF file ``path``.

    None if it is not well-formed. The only external reference that is followed is a
    companion file in the same folder. An image of several files belongs to the file of
    its first plane.

    Raises
    ------
    ImageUnreadable
        If no image begins in this file, or a file of an image is missing.
    """
    root = parse_xml(text)
    for reference in children(root, "BinaryOnly") if root is not None else ():
        root = parse_xml(companion_text(path, reference.get("MetadataFile", "")))
    if root is None:
        return None
    keep_images_of(path, root)
    root[:] = children(root, "Image")
    described = tuple(_described(path, *found) for found in image_elements(root))
    return OmeXml(ET.tostring(root, encoding="unicode"), described)


def _described(path: Path, image: Element, pixels: Element) -> OmeImage:
    # Without this element, tifffile would assign no page to the image. An empty one
    # stands for all pages.
    if not children(pixels, "TiffData"):
        ET.SubElement(pixels, pixels.tag.replace("Pixels", "TiffData"))
    _check_numbers(path, pixels)
    sizes = {a: pixels.get(f"PhysicalSize{a}") for a in "ZYX"}
    # This default is that of the OME schema.
    units = {a: pixels.get(f"PhysicalSize{a}Unit", "µm") for a in "ZYX"}
    z, y, x = (to_um(sizes[a], units[a]) for a in "ZYX")
    across = "Y" if sizes["Y"] else "X"
    ratio = step_ratio(sizes["Z"], sizes[across], units["Z"], units[across])
    names = tuple(c.get("Name", "") for c in children(pixels, "Channel"))
    colours = tuple(_colour(c.get("Color", "")) for c in children(pixels, "Channel"))
    return OmeImage(
        name=image.get("Name", ""),
        pixel_size_um=(z, y, x),
        channel_names=names,
        channel_colours=colours,
        step_ratio=ratio,
        interval_s=_interval_s(pixels),
    )


def _interval_s(pixels: Element) -> float | None:
    """Return the time increment, or else the median step of the times of planes."""
    increment = pixels.get("TimeIncrement", "")
    # The defaults are those of the OME schema.
    if (given := to_seconds(increment, pixels.get("TimeIncrementUnit", "s"))) or not (
        int(pixels.get("SizeT", 1)) > 1
    ):
        return given
    times = {
        plane.get("TheT", ""): (plane.get("DeltaT", ""), plane.get("DeltaTUnit", "s"))
        for plane in children(pixels, "Plane")
        if plane.get("TheC") == plane.get("TheZ") == "0"
    }
    # The first plane may be at 0, which is no length of time.
    known = [
        0.0 if _is_zero(time) else to_seconds(time, unit)
        for _, (time, unit) in sorted(times.items(), key=lambda one: int(one[0] or 0))
    ]
    return interval_of([time for time in known if time is not None])


def _is_zero(text: str) -> bool:
    try:
        return float(text) == 0
    except ValueError:
        return False


def _colour(number: str) -> Colour | None:
    """Return a colour of OME, a signed number of 32 bits: red, green, blue, opacity."""
    try:
        parts = (int(number) & 0xFFFFFFFF).to_bytes(4, "big")
    except ValueError:
        return None
    return parts[0] / 255, parts[1] / 255, parts[2] / 255


def _check_numbers(path: Path, pixels: Element) -> None:
    """Refuse numbers that would make a reader allocate too much memory."""
    planes = math.prod(int(pixels.get(f"Size{axis}", 0)) for axis in "ZCT")
    numbers = [
        int(block.get(name, 0))
        for block in children(pixels, "TiffData")
        for name in ("IFD", "PlaneCount", "NumPlanes")
    ]
    if not 0 < planes <= _MOST_PLANES or max(numbers) > _MOST_PLANES:
        raise damaged(path)
