"""Thumbnails that are there already: put over each other, scaled.

Nothing heavy is imported here: file managers wait for it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SIZE = 96
"""Longer side of a thumbnail, px."""

_COVER = 0.6
"""Opacity of masks over an image."""

Thumbnail = npt.NDArray[np.uint8]


def fit_size(height: int, width: int, size: int) -> tuple[int, int]:
    """Return a height and width of the same ratio within ``size``, never larger."""
    factor = min(1.0, size / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def with_masks(image: Thumbnail, masks: Thumbnail) -> Thumbnail:
    """Return an image with masks drawn over it, half transparent.

    Parameters
    ----------
    image, masks
        Thumbnails (Y, X, RGB) of one shape, the masks on black.
    """
    covered = masks.any(axis=-1, keepdims=True)
    mixed = image * np.float32(1 - _COVER) + masks * np.float32(_COVER)
    return np.where(covered, mixed.round(), image).astype(np.uint8)


def scaled(picture: Thumbnail, size: int) -> Thumbnail:
    """Return a picture (Y, X, RGB) whose longer side is ``size`` px."""
    import cv2

    height, width = picture.shape[:2]
    factor = size / max(height, width)
    shape = (max(1, round(width * factor)), max(1, round(height * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, shape, interpolation=how), np.uint8)
