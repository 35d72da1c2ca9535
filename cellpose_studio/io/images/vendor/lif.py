"""Reader of Leica's LIF and LOF files."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

import numpy as np

from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.core.images.image import Colour
from cellpose_studio.io.images.stored_image import (
    Array,
    PixelSize,
    Stored,
    StoredPixels,
)
from cellpose_studio.io.images.tiff.pixels import PlainPixels
from cellpose_studio.io.images.units import to_seconds, to_um
from cellpose_studio.io.images.vendor.scenes import apart

if TYPE_CHECKING:
    from liffile import LifImageABC

_DIMENSION_IDS = {"X": "1", "Y": "2", "Z": "3", "T": "4"}

_DESCRIPTION = "./Data/Image/ImageDescription"

_COLOURS: dict[str, Colour] = {
    "red": (1, 0, 0),
    "green": (0, 1, 0),
    "blue": (0, 0, 1),
    "cyan": (0, 1, 1),
    "magenta": (1, 0, 1),
    "yellow": (1, 1, 0),
    "gray": (1, 1, 1),
    "grey": (1, 1, 1),
}
"""Of the names of Leica's lookup tables."""

_BLUE, _GREEN = "3", "2"
"""Tags of the samples of a colour camera."""

_WORDS = {"M": "Tile", "A": "Angle", "L": "Loop", "λ": "Emission", "Λ": "Excitation"}


def open_file(path: Path) -> list[Stored]:
    """Return the images of a LIF or LOF file, in its order.

    Tiles of a mosaic that was not merged, angles and wavelengths are images of their
    own. Rows of an image that was scanned along other axes than X and Y, such as X and
    Z, run along Y, and its stack along the other one.

    Raises
    ------
    ImageUnreadable
        If no image can be read.
    """
    import liffile

    images: list[Stored] = []
    refused = []
    with liffile.LifFile(path) as file:
        for image in file.images:
            if reason := _reason(image):
                refused.append(f"{image.name}: {reason}")
                continue
            images += _images(image, path)
    if not images:
        why = f" ({refused[0]})" if refused else ""
        raise ImageUnreadable(
            f"{path.name} has no image that can be read{why}.",
            "Export it as OME-TIFF in LAS X.",
        )
    if refused:
        note = f"{path.name} is not shown as a whole: {'; '.join(refused)}."
        images[0] = replace(images[0], notes=(*images[0].notes, note))
    return images


def _reason(image: LifImageABC) -> str:
    """Return why an image cannot be read; "" if it can."""
    if image.is_flim:
        return "lifetimes (FLIM) cannot be read"
    try:
        complete = image.memory_block.size >= image.nbytes
    # The library says neither for which of the reasons it cannot.
    except (ValueError, IndexError, KeyError):
        return "its pixels are missing, or of several types"
    if not complete:
        return "its pixels are missing"
    plane = [axis for axis in image.dims if axis != "S"][-2:]
    return "" if len(plane) == 2 else "it has no planes"


def _images(image: LifImageABC, path: Path) -> list[Stored]:
    dims = list(image.dims)
    letters, note = _letters(dims)
    sizes = {axis: to_um(*_step(image.xml_element, axis)) for axis in dims}
    by_letter = {new: sizes[old] for new, old in zip(letters, dims, strict=True)}
    channels = image.xml_element.findall(f"{_DESCRIPTION}/Channels/ChannelDescription")
    samples = image.sizes.get("S", 1)
    stored = Stored(
        axes="".join(letters),
        shape=image.shape,
        dtype=image.dtype.newbyteorder("="),
        pixels=_pixels(image, path, channels),
        samples=samples,
        colour=samples == 3,
        scene=image.path,
        pixel_size_um=_pixel_size(by_letter),
        interval_s=to_seconds(*_step(image.xml_element, "T")),
        channel_names=tuple(_name(channel) for channel in channels),
        channel_colours=tuple(_colour(channel) for channel in channels),
        notes=(f"{path.name}: {image.name} {note}.",) if note else (),
    )
    return apart(stored, _WORDS, {})


def _letters(dims: list[str]) -> tuple[list[str], str]:
    """Return the letters of the axes as we use them, and a note if they differ."""
    rows, columns = [axis for axis in dims if axis != "S"][-2:]
    if (rows, columns) == ("Y", "X"):
        return dims, ""
    # What was Y or X takes the place of the axis that has become one.
    renamed = {rows: "Y", "Y": rows} if rows != "Y" else {}
    columns = renamed.get(columns, columns)
    letters = [renamed.get(axis, axis) for axis in dims]
    if columns != "X":
        swap = {columns: "X", "X": columns}
        letters = [swap.get(axis, axis) for axis in letters]
    scanned = dims[-1 if dims[-1] != "S" else -2]
    return letters, f"was scanned along {scanned} and {rows}: its rows run along {rows}"


def _pixels(image: LifImageABC, path: Path, channels: list[Element]) -> StoredPixels:
    """Return the reader of the pixels, which lie in the file as they are."""
    stride = _row_bytes(image)
    width = stride // (image.itemsize * image.sizes.get("S", 1))
    at = image.dims.index("X") if "X" in image.dims else None
    shape = image.shape
    # Rows of colour images end with bytes that are not used.
    if at is not None and width > shape[at] and image.dims[:at][-1:] == ("Y",):
        shape = (*shape[:at], width, *shape[at + 1 :])
    plain = PlainPixels(path, image.memory_block.offset, shape, image.dtype)
    tags = [channel.get("ChannelTag") for channel in channels]
    if "S" in image.dims and tags[:2] == [_BLUE, _GREEN]:
        return _Reversed(plain, image.sizes["S"])
    return plain


def _row_bytes(image: LifImageABC) -> int:
    for dimension in image.xml_element.findall(
        f"{_DESCRIPTION}/Dimensions/DimensionDescription"
    ):
        if dimension.get("DimID") == _DIMENSION_IDS["Y"]:
            return int(dimension.get("BytesInc", 0))
    return 0


@dataclass(frozen=True)
class _Reversed:
    """Samples that are stored as blue, green, red."""

    pixels: StoredPixels
    samples: int

    def read(self, index: tuple[slice, ...]) -> Array:
        whole = (*index[:-1], slice(0, self.samples))
        return np.asarray(self.pixels.read(whole)[..., ::-1][..., index[-1]])


def _step(element: Element, axis: str) -> tuple[float, str]:
    """Return the distance of places on an axis, and its unit; NaN if not known."""
    for dimension in element.findall(f"{_DESCRIPTION}/Dimensions/DimensionDescription"):
        if dimension.get("DimID") != _DIMENSION_IDS.get(axis):
            continue
        count = int(dimension.get("NumberOfElements", 0))
        length = abs(float(dimension.get("Length", 0)))
        # The length is that from the centre of the first to that of the last one.
        step = length / (count - 1) if count > 1 else math.nan
        return step, dimension.get("Unit", "")
    return math.nan, ""


def _pixel_size(sizes: dict[str, float | None]) -> PixelSize:
    return sizes.get("Z"), sizes.get("Y"), sizes.get("X")


def _name(channel: Element) -> str:
    """Return the dye of a channel, else the name of its lookup table."""
    for part in channel.findall("./ChannelProperty"):
        if part.findtext("Key") == "DyeName" and (name := part.findtext("Value")):
            return name
    return channel.get("LUTName", "")


def _colour(channel: Element) -> Colour | None:
    return _COLOURS.get(channel.get("LUTName", "").lower())
