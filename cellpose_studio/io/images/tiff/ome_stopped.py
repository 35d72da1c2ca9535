"""OME-TIFF files of acquisitions that ended before all planes were written."""

from __future__ import annotations

import math
from dataclasses import replace
from xml.etree import ElementTree as ET

from cellpose_studio.io.images.tiff.ome_elements import (
    children,
    descendants,
    image_elements,
    parse_xml,
)
from cellpose_studio.io.images.tiff.ome_xml import OmeXml

_WORDS = {"T": "time points", "Z": "planes", "C": "channels"}


def shortened(ome: OmeXml, pages: int) -> tuple[OmeXml, str] | None:
    """Return what OME-XML would say of the ``pages`` that are there, and a note.

    The axis that was acquired last is shortened to what is complete. None where that
    is not why the numbers differ, or the planes lie in an order of their own.
    """
    root = parse_xml(ome.text)
    found = [] if root is None else list(image_elements(root))
    if root is None or len(found) != 1:
        return None
    _, pixels = found[0]
    # The order begins with XY in every file.
    order = pixels.get("DimensionOrder", "")[2:]
    sizes = {axis: int(pixels.get(f"Size{axis}", 0)) for axis in "ZCT"}
    # Where a page holds several channels, there are fewer pages than planes although
    # none is missing.
    colours = [c.get("SamplesPerPixel", "1") for c in children(pixels, "Channel")]
    usual = sorted(order) == sorted("ZCT") and set(colours) <= {"1"}
    if not usual or not pages or pages >= math.prod(sizes.values()):
        return None
    blocks = children(pixels, "TiffData")
    if not all(int(block.get("IFD", n)) == n for n, block in enumerate(blocks)):
        return None
    if descendants(pixels, "UUID"):
        return None
    axis, kept = _cut(order, sizes, pages)
    # Of the axes that vary more slowly, only the first position was begun.
    for other in order[order.index(axis) + 1 :]:
        pixels.set(f"Size{other}", "1")
    pixels.set(f"Size{axis}", str(kept))
    for block in blocks[1:]:
        pixels.remove(block)
    # A block without attributes stands for all pages in their order.
    blocks[0].attrib.clear()
    if axis == "C":
        for channel in children(pixels, "Channel")[kept:]:
            pixels.remove(channel)
    note = (
        f"it was to have {math.prod(sizes.values())} planes, of which {pages} are "
        f"there: {kept} of {sizes[axis]} {_WORDS[axis]} are complete and shown"
    )
    return replace(ome, text=ET.tostring(root, encoding="unicode")), note


def _cut(order: str, sizes: dict[str, int], pages: int) -> tuple[str, int]:
    """Return the slowest axis that was begun, and how much of it is complete."""
    inner = math.prod(sizes.values())
    for axis in reversed(order):
        inner //= sizes[axis]
        if pages >= inner and sizes[axis] > 1:
            return axis, pages // inner
    return order[0], pages
