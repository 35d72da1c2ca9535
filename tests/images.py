"""Images in tests that no file stands for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.images.image import ImageSource


@dataclass
class ArrayReader:
    """Serves an array, and remembers what it was asked for."""

    pixels: npt.NDArray[np.generic]
    asked: list[tuple[slice, ...]] = field(default_factory=list)

    def read(self, region: tuple[slice, ...]) -> npt.NDArray[np.generic]:
        self.asked.append(region)
        return self.pixels[region]


def image_of(
    content: tuple[int, ...] | npt.NDArray[np.generic] = (1, 1, 1, 5, 6), **changes: Any
) -> ImageSource:
    """Return an image of pixels, TCZYX, or of a shape without any.

    ``changes`` replace what it says otherwise: ``path``, ``rgb``, ``scene`` …
    """
    pixels = content if isinstance(content, np.ndarray) else None
    shape = content if pixels is None else pixels.shape
    given: dict[str, Any] = {
        "path": Path("a.tif"),
        "scene": "",
        "shape": shape,
        "dtype": np.dtype(np.uint8) if pixels is None else pixels.dtype,
        "file_axes": "TCZYX",
        "pixel_size_um": (None, None, None),
        "channel_names": tuple(f"Channel {n + 1}" for n in range(shape[1])),
        "rgb": False,
        "fingerprint": "",
        "reader": None if pixels is None else ArrayReader(pixels),
    }
    return ImageSource(**{**given, **changes})
