"""An image and its masks in one hyperstack, for TrackMate; masks for CellProfiler."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.io.masks.exchange.label_images import imagej_scale
from cellpose_studio.io.masks.export_format import LARGEST_UINT16, MasksToExport


def write_cellprofiler(part: Path, masks: MasksToExport) -> None:
    """Write numbered masks of one plane or stack with 16 bits a pixel.

    Input modules of CellProfiler read these numbers as objects if the image type is
    "Objects".
    """
    import tifffile

    tifffile.imwrite(
        part,
        masks.numbered.astype(np.uint16),
        photometric="minisblack",
        compression="zlib",
        metadata=None,
    )


def write_trackmate_stack(part: Path, masks: MasksToExport) -> None:
    """Write a hyperstack of ImageJ: the channels of the image, then the masks.

    TrackMate's label image detector takes a channel of the image that is tracked.
    Pixels have 16 bits if that loses nothing, otherwise they are floating-point
    numbers, which hold the first 16 million cells exactly.
    """
    import tifffile
    from tifffile.tifffile import imagej_description

    image = masks.image
    frames, channels, planes, height, width = image.shape
    small = np.can_cast(image.dtype, np.uint16) and masks.count <= LARGEST_UINT16
    shape = (frames, planes, channels + 1, height, width)
    _, y, x = image.pixel_size_um
    tifffile.imwrite(
        part,
        _planes(masks, np.dtype(np.uint16 if small else np.float32)),
        shape=shape,
        dtype=np.uint16 if small else np.float32,
        photometric="minisblack",
        compression="zlib",
        description=imagej_description(shape, axes="TZCYX", **imagej_scale(image)),
        metadata=None,
        resolution=(1 / x, 1 / y) if x and y else None,
        resolutionunit=tifffile.RESUNIT.NONE,
    )


def _planes(
    masks: MasksToExport, dtype: np.dtype[Any]
) -> Iterator[npt.NDArray[np.generic]]:
    image = masks.image
    frames, channels, planes, height, width = image.shape
    numbered = masks.numbered.reshape(frames, planes, height, width)
    for t in range(frames):
        for z in range(planes):
            for c in range(channels):
                yield image.plane(t, c, z).astype(dtype)
            yield numbered[t, z].astype(dtype)
