"""Metadata that ImageJ writes into TIFF files."""

from __future__ import annotations

import math
from typing import Any

from cellpose_studio.core.images.grey_calibration import RAW, GreyCalibration
from cellpose_studio.core.images.image import Colour
from cellpose_studio.io.images.stored_image import UNKNOWN_SIZE, PixelSize
from cellpose_studio.io.images.units import step_ratio, to_seconds, to_um

Resolution = tuple[int, int]
"""Pixels per unit, as a fraction."""

# These are print sizes, not those of a microscope.
_PRINT_UNITS = ("inch", "inches", "in", "cm")

_STRAIGHT_LINE = 0
"""Of the functions of a calibration (``cf``)."""

_NO_VALUE_UNITS = ("", "gray value", "grey value")

_NO_UNIT = 1
"""Of the resolution tag of TIFF 6.0."""


def is_plain_stack(metadata: dict[str, Any]) -> bool:
    """Return whether the planes may be time points instead.

    ImageJ stores the images of any sequence as slices. It marks hyperstacks, and
    writes the spacing of calibrated stacks only.
    """
    return "spacing" not in metadata and not metadata.get("hyperstack", False)


def is_film(metadata: dict[str, Any]) -> bool:
    """Return whether the metadata contain a frame interval or a frame rate."""
    return "finterval" in metadata or "fps" in metadata


def calibration_offset(metadata: dict[str, Any]) -> int:
    """Return what is to be added to the pixels of an image with signed 16 bits.

    TIFF files of ImageJ hold them as unsigned numbers, and a straight line of slope 1
    as calibration, -32768 at 0.
    """
    straight = metadata.get("cf") == 0 and metadata.get("c1") == 1
    offset = metadata.get("c0", 0)
    whole = isinstance(offset, int | float) and float(offset).is_integer()
    return int(offset) if straight and whole else 0


def grey_calibration(metadata: dict[str, Any]) -> GreyCalibration:
    """Return the straight line that grey values are calibrated by, if there is one.

    ImageJ has other functions, too, such as polynomials and optical densities: grey
    values stay what they are then.
    """
    straight = metadata.get("cf") == _STRAIGHT_LINE
    numbers = [metadata.get("c0"), metadata.get("c1")]
    offset, slope = (n if isinstance(n, int | float) else math.nan for n in numbers)
    if not (straight and math.isfinite(offset) and math.isfinite(slope) and slope):
        return RAW
    unit = str(metadata.get("vunit", "")).strip()
    named = unit not in _NO_VALUE_UNITS
    return GreyCalibration(
        offset=float(offset), slope=float(slope), unit=unit if named else ""
    )


def pixel_size_um(
    metadata: dict[str, Any], x: Resolution | None, y: Resolution | None
) -> PixelSize:
    """Return the size of a pixel along Z, Y and X in µm."""
    if _unit(metadata, "x").lower() in _PRINT_UNITS:
        return UNKNOWN_SIZE
    return (
        to_um(_step(metadata), _unit(metadata, "z")),
        to_um(_size(y), _unit(metadata, "y")),
        to_um(_size(x), _unit(metadata, "x")),
    )


def step_ratio_of(
    metadata: dict[str, Any], y: Resolution | None, resolution_unit: int
) -> float | None:
    """Return the distance of planes over the size of a pixel, if it has no unit.

    A resolution that has one itself is that of a print.
    """
    if _unit(metadata, "y").lower() in _PRINT_UNITS or resolution_unit != _NO_UNIT:
        return None
    z_unit, y_unit = _unit(metadata, "z"), _unit(metadata, "y")
    return step_ratio(_step(metadata), _size(y), z_unit, y_unit)


def interval_s(metadata: dict[str, Any]) -> float | None:
    """Return the seconds between time points, not those of the animation (``fps``)."""
    return to_seconds(metadata.get("finterval"), str(metadata.get("tunit", "sec")))


def channel_names(metadata: dict[str, Any], channels: int) -> tuple[str, ...]:
    """Return the label of each channel, if all its planes have the same one.

    Labels belong to planes, and the channel varies fastest among planes.
    """
    labels = metadata.get("Labels") or ()
    if channels == 1:
        return ()
    names = []
    for channel in range(channels):
        of_channel = {str(label) for label in labels[channel::channels]}
        names.append(of_channel.pop() if len(of_channel) == 1 else "")
    # A label is its first line. ImageJ appends metadata of the file to it in further
    # lines.
    return tuple(name.partition("\n")[0] for name in names)


def channel_colours(
    metadata: dict[str, Any], channels: int
) -> tuple[Colour | None, ...]:
    """Return the brightest colour of the look-up table of each channel."""
    tables = metadata.get("LUTs") or ()
    if channels == 1 or len(tables) != channels:
        return ()
    return tuple(
        (int(red) / 255, int(green) / 255, int(blue) / 255)
        for red, green, blue in (table[:3, -1] for table in tables)
    )


def _unit(metadata: dict[str, Any], axis: str) -> str:
    """Return the unit along an axis: that of X, unless there is another."""
    own = metadata.get(f"{axis}unit")
    return str(metadata.get("unit", "") if own is None else own).strip()


def _step(metadata: dict[str, Any]) -> float | None:
    """Return the distance of planes; it is negative for stacks from top to bottom."""
    step = metadata.get("spacing")
    return abs(step) if isinstance(step, int | float) else None


def _size(resolution: Resolution | None) -> float | None:
    if not resolution or 0 in resolution:
        return None
    return resolution[1] / resolution[0]
