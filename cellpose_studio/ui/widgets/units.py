"""Area or volume of a pixel of masks, with its unit."""

from __future__ import annotations

from cellpose_studio.core.images.image import ImageSource


def pixel_area(image: ImageSource) -> tuple[float, str]:
    """Return the area of a pixel, or the volume of a voxel, and its unit.

    Without a known pixel size, the unit is one pixel or voxel.
    """
    z, y, x = image.pixel_size_um
    if y is None or (image.planes > 1 and z is None):
        return 1.0, "voxels" if image.planes > 1 else "pixels"
    area = y * (x or y)
    return (area * z, "µm³") if image.planes > 1 and z else (area, "µm²")
