"""Masks as label images: TIFF and PNG."""

from __future__ import annotations

from pathlib import Path

from cellpose_studio.io.masks.export_format import MasksToExport


def write_tif(part: Path, masks: MasksToExport) -> None:
    """Write numbered masks with their axes, compressed without loss."""
    import tifffile

    tifffile.imwrite(
        part,
        masks.numbered,
        # Cellpose compresses its label images in the same way.
        compression="zlib",
        # Or 3 planes are taken for red, green and blue.
        photometric="minisblack",
        metadata={"axes": masks.axes},
    )


def write_png(part: Path, masks: MasksToExport) -> None:
    """Write numbered masks of one plane, 16 bits a pixel at most."""
    import imagecodecs

    part.write_bytes(imagecodecs.png_encode(masks.numbered))
