"""Metadata that ImageJ writes into TIFF files."""

from __future__ import annotations

from typing import Any

from cellpose_studio.io.images.stored_image import UNKNOWN_SIZE, PixelSize
from cellpose_studio.io.images.units import to_um

Resolution = tuple[int, int]
"""Pixels per unit, as a fraction."""

# These are print sizes, not those of a microscope.
_PRINT_UNITS = ("inch", "inches", "in", "cm")


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


def pixel_size_um(
    metadata: dict[str, Any], x: Resolution | None, y: Resolution | None
) -> PixelSize:
    """Return the size of a pixel along Z, Y and X in µm."""
    unit = str(metadata.get("unit", ""))
    if unit.strip().lower() in _PRINT_UNITS:
        return UNKNOWN_SIZE
    return to_um(metadata.get("spacing"), unit), _size(y, unit), _size(x, unit)


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
    return tuple(name.partition("\n")[0] for name in names)


def _size(resolution: Resolution | None, unit: str) -> float | None:
    if not resolution or 0 in resolution:
        return None
    return to_um(resolution[1] / resolution[0], unit)
