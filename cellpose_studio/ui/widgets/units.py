"""What a pixel of masks measures."""

from __future__ import annotations

from cellpose_studio.core.images.image import ImageSource


def pixel_area(image: ImageSource) -> tuple[float, str]:
    """Return the size of a pixel, or of a voxel, and its unit."""
    z, y, x = image.pixel_size_um
    if y is None or (image.planes > 1 and z is None):
        return 1.0, "voxels" if image.planes > 1 else "pixels"
    area = y * (x or y)
    return (area * z, "µm³") if image.planes > 1 and z else (area, "µm²")
