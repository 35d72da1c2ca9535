"""Masks as label images: TIFF and PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.masks.export_format import MasksToExport


def write_tif(part: Path, masks: MasksToExport) -> None:
    """Write numbered masks with their axes, compressed without loss.

    ImageJ opens masks of several axes as a hyperstack, with the size of their pixels.
    It shows uint32 as floating-point numbers, which hold the first 16 million cells
    exactly.
    """
    import tifffile

    tifffile.imwrite(part, masks.numbered, **tif_options(masks.image))


def tif_options(image: ImageSource) -> dict[str, Any]:
    """Return the options of tifffile for masks of an image that ImageJ knows."""
    import tifffile

    _, y, x = image.pixel_size_um
    size: dict[str, Any] = {"resolution": (1 / x, 1 / y)} if x and y else {}
    return {
        # Cellpose compresses its label images in the same way.
        "compression": "zlib",
        # Or 3 planes are taken for red, green and blue.
        "photometric": "minisblack",
        "description": _description(image),
        "metadata": None,
        "resolutionunit": tifffile.RESUNIT.NONE,
        **size,
    }


def imagej_scale(image: ImageSource) -> dict[str, Any]:
    """Return what ImageJ is told of pixels and time points: unit, steps, interval."""
    z, y, x = image.pixel_size_um
    known: dict[str, Any] = {"unit": "um"} if x and y else {}
    if known and z and "Z" in image.label_axes:
        known["spacing"] = z
    if image.interval_s and "T" in image.label_axes:
        known |= {"finterval": image.interval_s, "tunit": "sec"}
    return known


def _description(image: ImageSource) -> str:
    """Return the text by which ImageJ knows the axes, whatever the type of pixels.

    The ``imagej`` mode of tifffile would refuse uint32.
    """
    from tifffile.tifffile import imagej_description

    shape, axes = image.label_shape, image.label_axes
    text: str = imagej_description(shape, axes=axes, **imagej_scale(image))
    return text


def write_png(part: Path, masks: MasksToExport) -> None:
    """Write numbered masks of one plane, 16 bits a pixel at most."""
    import imagecodecs

    part.write_bytes(imagecodecs.png_encode(masks.numbered))
