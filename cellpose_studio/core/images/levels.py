"""Levels of resolution, at which large planes are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_RESIZED = ("u1", "u2", "i2", "f4", "f8")
"""Types of pixels that OpenCV resizes."""


@dataclass(frozen=True)
class PlaneLimits:
    """The largest planes that are shown as they are.

    Attributes
    ----------
    pixels
        Number of pixels; larger planes take too long to read and to draw.
    side
        Longest side, px, that textures of usual graphics cards have.
    coarsest
        Longest side of the coarsest level of larger ones, px. It is drawn with every
        change.
    """

    pixels: int = 64 * 1024**2
    side: int = 16384
    coarsest: int = 256

    def levels(self, shape: Sequence[int]) -> list[int]:
        """Return the factors of the levels of planes (…, Y, X), as `level_factors`."""
        return level_factors(shape, self.coarsest)

    def exceeded_by(self, shape: Sequence[int]) -> bool:
        """Return whether planes (…, Y, X) are larger."""
        height, width = shape[-2:]
        return height * width > self.pixels or max(height, width) > self.side


def level_factors(shape: Sequence[int], smallest: int) -> list[int]:
    """Return 1, 2, 4, …: pixels of (…, Y, X) along each side of a pixel of a level.

    The longer side of the last level has at most ``smallest`` pixels.
    """
    factors = [1]
    while -(-max(shape[-2:]) // factors[-1]) > smallest:
        factors.append(2 * factors[-1])
    return factors


def level_shape(shape: Sequence[int], factor: int) -> tuple[int, ...]:
    """Return the shape of a level of (…, Y, X); a pixel at the end may be a part."""
    height, width = shape[-2:]
    return *shape[:-2], -(-height // factor), -(-width // factor)


def label_levels(labels: Array, factors: Sequence[int]) -> list[Array]:
    """Return the levels of labels as views, which show all edits at once."""
    return [labels[..., ::n, ::n] for n in factors]


def halved(pixels: Array) -> Array:
    """Return (Y, X) at half the size: means of 2 × 2 pixels, of rare types one of them.

    A last row or column that is single counts twice.
    """
    height, width = pixels.shape
    if pixels.dtype.str[1:] not in _RESIZED:
        return np.ascontiguousarray(pixels[::2, ::2])
    if height % 2 or width % 2:
        pixels = np.pad(pixels, ((0, height % 2), (0, width % 2)), "edge")
    import cv2

    size = pixels.shape[1] // 2, pixels.shape[0] // 2
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
