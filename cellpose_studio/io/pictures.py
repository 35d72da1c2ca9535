"""Reading PNG and JPEG pictures."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from cellpose_studio.io.stored import Array, Stored


def open_picture(path: Path) -> list[Stored]:
    """Return the picture in a PNG or JPEG file.

    It is decoded whole. PNGs with a palette become colour pictures; those with 16
    bits keep them.
    """
    pixels = PicturePixels(path)
    whole = pixels.whole()
    axes = "YX" if whole.ndim == 2 else "YXS"
    return [Stored(axes, whole.shape, whole.dtype, pixels)]


class PicturePixels:
    """A decoded picture."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._whole: Array | None = None

    def whole(self) -> Array:
        """Return the picture, YX or YXS; decoded at the first call."""
        with self._lock:
            if self._whole is None:
                self._whole = _decoded(self._path)
            return self._whole

    def read(self, index: tuple[slice, ...]) -> Array:
        """Return a part of the picture."""
        return self.whole()[index]


def _decoded(path: Path) -> Array:
    import imagecodecs

    content = path.read_bytes()
    decode = (
        imagecodecs.png_decode
        if path.suffix.lower() == ".png"
        else imagecodecs.jpeg_decode
    )
    return np.asarray(decode(content))
