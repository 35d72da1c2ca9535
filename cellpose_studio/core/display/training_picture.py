"""Small pictures of images as training sees them: outlines, and what is ignored."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.images.intensities import limits
from cellpose_studio.core.masks.labels import outlines
from cellpose_studio.core.models.training import TrainingImage

Rgb = npt.NDArray[np.uint8]

_OUTLINE = (255, 212, 0)
_HATCH = (230, 80, 80)
_STRIPE = 4
"""Width of a stripe, pixels of the picture; every second one is coloured."""
_SEEN = (1, 99)
"""Percentiles of the pixels that are black and white."""


def training_picture(image: TrainingImage, size: int) -> Rgb:
    """Return a picture (Y, X, RGB) whose longer side is ``size`` px at most.

    Cells have an outline, ignored pixels are hatched.
    """
    import cv2

    height, width = image.labels.shape
    factor = min(size / max(height, width), 1.0)
    shape = max(1, round(width * factor)), max(1, round(height * factor))
    scaled = cv2.resize(_grey(image), shape, interpolation=cv2.INTER_AREA)
    grey = np.asarray(scaled, np.uint8)
    picture = np.repeat(grey[..., None], 3, axis=-1)
    rows = (np.arange(shape[1]) + 0.5) / shape[1] * height
    columns = (np.arange(shape[0]) + 0.5) / shape[0] * width
    at = np.ix_(rows.astype(int), columns.astype(int))
    if image.ignore is not None:
        y, x = np.indices(grey.shape)
        stripes = (y + x) // _STRIPE % 2 == 0
        picture[image.ignore[at] & stripes] = _HATCH
    picture[outlines(image.labels[at])] = _OUTLINE
    return picture


def _grey(image: TrainingImage) -> Rgb:
    """Return the mean of the channels, each with its own contrast."""
    planes = []
    for channel in image.pixels:
        low, high = limits(channel, _SEEN)
        scaled = (np.nan_to_num(channel) - low) / max(high - low, 1e-12)
        planes.append(np.clip(scaled, 0, 1))
    return np.asarray(np.mean(planes, axis=0) * 255, np.uint8)
