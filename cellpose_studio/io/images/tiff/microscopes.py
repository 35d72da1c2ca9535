"""Metadata of the kinds of TIFF that microscopes write: LSM of ZEISS, and STK."""

from __future__ import annotations

from typing import Any

import numpy as np

from cellpose_studio.core.images.image import Colour
from cellpose_studio.io.images.stored_image import PixelSize
from cellpose_studio.io.images.units import interval_of, to_seconds, to_um

LSM_WORDS = {"P": "Position", "M": "Tile"}
"""What places on axes of LSM files that an image cannot have are called."""


def lsm_pixel_size(metadata: dict[str, Any]) -> PixelSize:
    """Return the size of a voxel, which is in metres."""
    z, y, x = (to_um(metadata.get(f"VoxelSize{axis}"), "m") for axis in "ZYX")
    return z, y, x


def lsm_channel_names(metadata: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the channels."""
    return tuple(map(str, metadata.get("ChannelColors", {}).get("ColorNames", ())))


def lsm_channel_colours(metadata: dict[str, Any]) -> tuple[Colour | None, ...]:
    """Return the colours of the channels; their fourth byte is not used."""
    colours = metadata.get("ChannelColors", {}).get("Colors", ())
    return tuple(
        (red / 255, green / 255, blue / 255) for red, green, blue, _ in colours
    )


def lsm_interval_s(metadata: dict[str, Any]) -> float | None:
    """Return the seconds between time points, as they were taken or were planned."""
    taken = np.atleast_1d(metadata.get("TimeStamps", ())).astype(float).tolist()
    return interval_of(taken) or to_seconds(metadata.get("TimeIntervall"), "s")


def stk_axis(metadata: dict[str, Any], planes: int) -> str:
    """Return C for planes that differ in wavelength; "" where nothing tells them apart.

    tifffile asks for their distances and times only.
    """
    wavelengths = np.atleast_1d(metadata.get("Wavelengths", ()))
    return "C" if len(set(wavelengths.tolist())) == planes > 1 else ""


def stk_pixel_size(metadata: dict[str, Any]) -> PixelSize:
    """Return the sizes; the distance of planes has the unit of a pixel."""
    unit = str(metadata.get("CalibrationUnits", ""))
    distances = np.unique(np.atleast_1d(metadata.get("ZDistance", 0)))
    # Planes at several distances are not a stack of even ones.
    z = float(distances[0]) if len(distances) == 1 else 0.0
    sizes = (z, metadata.get("YCalibration", 0), metadata.get("XCalibration", 0))
    step, y, x = (to_um(size, unit) for size in sizes)
    return step, y, x


def stk_interval_s(metadata: dict[str, Any]) -> float | None:
    """Return the seconds between planes, whose dates have milliseconds."""
    dates = np.atleast_1d(metadata.get("DatetimeCreated", ()))
    if not np.issubdtype(dates.dtype, np.datetime64):
        return None
    return interval_of(((dates - dates[0]) / np.timedelta64(1, "s")).tolist())
