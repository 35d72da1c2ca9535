"""Positions, areas and volumes in an image, with their units."""

from __future__ import annotations

from collections.abc import Mapping

from cellpose_studio.core.images.image import ImageSource

_JOINED = "\N{NO-BREAK SPACE}"


def pixel_area(image: ImageSource) -> tuple[float, str]:
    """Return the area of a pixel, or the volume of a voxel, and its unit.

    Without a known pixel size, the unit is one pixel or voxel.
    """
    z, y, x = image.pixel_size_um
    if y is None or (image.planes > 1 and z is None):
        return 1.0, "voxels" if image.planes > 1 else "pixels"
    area = y * (x or y)
    return (area * z, "µm³") if image.planes > 1 and z else (area, "µm²")


def position_text(image: ImageSource, at: Mapping[str, int]) -> list[str]:
    """Return a position in pixels, and in µm if the size of pixels is known.

    The status bar and the side views show the same text. Planes and time points are
    counted from 1, as on the sliders and in ImageJ, pixels from 0, as in ImageJ.

    Parameters
    ----------
    at
        Pixel along "x" and "y", plane "z" and time point "t" where there are several.
    """
    sizes_px = dict(zip("tczyx", image.shape, strict=True))
    counted = [f"{axis} {at[axis]}" for axis in "xy" if axis in at]
    counted += [
        f"{axis.upper()} {at[axis] + 1} of {sizes_px[axis]}"
        for axis in "zt"
        if axis in at
    ]
    # Lines break between the axes only.
    pixels = "  ".join(part.replace(" ", _JOINED) for part in counted)
    sizes = dict(zip("zyx", image.pixel_size_um, strict=True))
    sizes["x"] = sizes["x"] or sizes["y"]
    spatial = [axis for axis in "xyz" if axis in at]
    if any(sizes[axis] is None for axis in spatial):
        return [pixels]
    lengths = [f"{at[axis] * (sizes[axis] or 0):.1f}" for axis in spatial]
    return [pixels, f"{', '.join(lengths)}{_JOINED}µm"]
