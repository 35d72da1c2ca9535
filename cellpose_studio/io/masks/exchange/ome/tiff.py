"""Masks as OME-TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.masks.export_format import MasksToExport


def write_ome_tiff(part: Path, masks: MasksToExport) -> None:
    """Write numbered masks with their axes and the size of pixels as OME metadata."""
    import tifffile

    tifffile.imwrite(part, masks.numbered, **ome_tiff_options(masks.image))


def ome_tiff_options(image: ImageSource) -> dict[str, Any]:
    """Return the options of tifffile for masks of an image as OME-TIFF.

    Other pixels of it have other axes.
    """
    known: dict[str, Any] = {"axes": image.label_axes, "Name": image.name}
    for axis, size in zip("ZYX", image.pixel_size_um, strict=True):
        if size:
            known |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "µm"}
    if image.interval_s and image.frames > 1:
        known |= {"TimeIncrement": image.interval_s, "TimeIncrementUnit": "s"}
    return {
        "ome": True,
        "compression": "zlib",
        "photometric": "minisblack",
        "metadata": known,
    }
