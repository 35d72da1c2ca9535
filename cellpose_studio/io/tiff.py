"""Reading TIFF files of all kinds."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cellpose_studio.io.stored import Array, Stored

if TYPE_CHECKING:
    import tifffile


def open_tiff(path: Path) -> list[Stored]:
    """Return the images of a TIFF file."""
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        return [
            Stored(
                series.axes, series.shape, np.dtype(series.dtype), PagePixels(series)
            )
            for series in tiff.series
        ]


class PagePixels:
    """Reads the pages of a series."""

    def __init__(self, series: tifffile.TiffPageSeries) -> None:
        self._series = series
        self._lock = threading.Lock()

    def read(self, index: tuple[slice, ...]) -> Array:
        """Return a part of the series."""
        with self._lock, self._series.parent.filehandle as file:
            file.open()
            return self._series.asarray()[index]
