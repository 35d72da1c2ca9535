"""Masks as OME-TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cellpose_studio.io.masks.export_format import MasksToExport


def write_ome_tiff(part: Path, masks: MasksToExport) -> None:
    """Write numbered masks with their axes and the size of pixels as OME metadata."""
    import tifffile

    known: dict[str, Any] = {"axes": masks.axes, "Name": masks.image.name}
    for axis, size in zip("ZYX", masks.image.pixel_size_um, strict=True):
        if size:
            known |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "µm"}
    tifffile.imwrite(
        part,
        masks.numbered,
        ome=True,
        compression="zlib",
        photometric="minisblack",
        metadata=known,
    )
