"""Label images that are written strip by strip, and are never in memory as a whole."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.segmentation import LabelReader
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.masks.exchange.label_images import tif_options
from cellpose_studio.io.masks.exchange.ome.tiff import ome_tiff_options
from cellpose_studio.io.masks.export_format import LARGEST_UINT16
from cellpose_studio.io.masks.export_formats import FORMATS

_STRIP = 2**22
"""Pixels of a strip; ImageJ reads strips, but no tiles."""

_LEVEL = 6
"""Of zlib's; tifffile's own default."""

_OPTIONS: dict[str, Callable[[ImageSource], dict[str, Any]]] = {
    "tif": tif_options,
    "ome-tiff": ome_tiff_options,
}

STREAMED = frozenset(_OPTIONS)
"""Names of the formats that `save_streamed` writes."""


def save_streamed(
    base: Path,
    labels: LabelReader,
    kind: str,
    image: ImageSource,
    check: Callable[[], None],
) -> Path:
    """Write a file of a kind that is `STREAMED`, and return it.

    Parameters
    ----------
    base
        Folder and name, without suffix.
    labels
        With the ids 1..N.
    check
        Called for each strip; its exceptions propagate, and leave no file behind.

    Raises
    ------
    CannotSave
        If it cannot be written.
    """
    import tifffile

    fits = labels.cells <= LARGEST_UINT16
    dtype = np.dtype("<u2" if fits else "<u4")
    height, width = labels.shape[-2:]
    rows = max(1, min(height, _STRIP // width))
    path = FORMATS[kind].path(base)
    with replacing(path) as part:
        tifffile.imwrite(
            part,
            _strips(labels, rows, dtype, check),
            shape=labels.shape,
            dtype=dtype,
            rowsperstrip=rows,
            byteorder="<",
            **_OPTIONS[kind](image),
        )
    return path


def _strips(
    labels: LabelReader, rows: int, dtype: np.dtype[Any], check: Callable[[], None]
) -> Iterator[bytes]:
    """Yield the compressed strips of all planes."""
    height, width = labels.shape[-2:]
    for plane in range(labels.planes):
        for y in range(0, height, rows):
            check()
            band = slice(y, min(y + rows, height))
            strip = labels.plane(plane, band, slice(0, width)).astype(dtype)
            yield zlib.compress(strip.tobytes(), _LEVEL)
