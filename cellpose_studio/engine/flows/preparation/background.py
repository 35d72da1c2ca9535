"""Subtracts the background of planes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.preparation.background import SubtractBackground
from cellpose_studio.engine.flows.preparation.context import StepContext
from cellpose_studio.engine.flows.preparation.readers import (
    Contrasts,
    FloatArray,
    with_changes,
)

_TRUNCATED = 4
"""Standard deviations to which SciPy's Gaussian filter reaches."""

_BALL = 0.25
"""Height of the ball as a part of the contrast of the image.

A ball of 50 px is about as high in Fiji on an image of 8 bits that uses them well.
"""

_SHRINKING = {10: 1, 30: 2, 100: 4}
"""By how much the image is shrunk for a ball of a radius up to this, as in Fiji."""

_MOST_SHRINKING = 8


def background_subtracted(
    image: ImageSource, step: SubtractBackground, context: StepContext
) -> ImageSource:
    """Return an image without the background of one of its channels, or of all."""
    channels = range(image.channels) if step.channel is None else [step.channel - 1]
    radius = step.radius
    if step.method == "gaussian":
        blurs = dict.fromkeys(channels, partial(_less_gaussian, radius=radius))
        return with_changes(image, blurs, int(_TRUNCATED * radius + 0.5), context.check)
    if step.method == "rolling-ball":
        contrasts, shrinking = Contrasts(image), _shrinking(radius)
        balls = {
            c: _RollingBall(radius, shrinking, partial(contrasts.of, c))
            for c in channels
        }
        margin = radius + 3 * shrinking
        return with_changes(image, balls, margin, context.check, grid=shrinking)
    sign = 1 if step.method == "white-top-hat" else -1
    hats = dict.fromkeys(channels, partial(_top_hat, radius=radius, sign=sign))
    # An opening looks at the pixels around those that it looks at.
    return with_changes(image, hats, 2 * radius, context.check)


def _shrinking(radius: int) -> int:
    fits = (factor for most, factor in _SHRINKING.items() if radius <= most)
    return next(fits, _MOST_SHRINKING)


def _less_gaussian(plane: FloatArray, radius: int) -> FloatArray:
    """Subtract the mean of the pixels around, weighted by their distance."""
    from scipy.ndimage import gaussian_filter

    given: dict[str, Any] = {"truncate": _TRUNCATED, "mode": "nearest"}
    holes = ~np.isfinite(plane)
    if not holes.any():
        return np.asarray(plane - gaussian_filter(plane, radius, **given))
    # Pixels that are no number have no weight in the mean.
    total = gaussian_filter(np.where(holes, 0, plane), radius, **given)
    share = 1 - gaussian_filter(holes.astype(plane.dtype), radius, **given)
    mean = np.divide(total, share, out=np.zeros_like(total), where=share > 0)
    return np.where(holes, np.nan, plane - mean).astype(plane.dtype)


def _top_hat(plane: FloatArray, radius: int, sign: int) -> FloatArray:
    """Subtract the opening by a disc; with a ``sign`` of -1, that of the negative."""
    import cv2
    from skimage.morphology import disk

    disc = disk(radius, dtype=np.uint8)
    holes = ~np.isfinite(plane)
    seen = np.where(holes, np.inf, plane * sign).astype(plane.dtype)
    low = cv2.erode(seen, disc)
    # Pixels that are no number take part in neither half of the opening.
    low[holes] = -np.inf
    opening = cv2.dilate(low, disc)
    with np.errstate(invalid="ignore"):
        return np.where(holes, np.nan, seen - opening).astype(plane.dtype)


@dataclass(frozen=True)
class _RollingBall:
    """Subtracts the top of a ball that rolls under the image.

    As in Fiji, the ball rolls under a smaller image, whose pixels are the darkest ones
    of small squares, and what it touches is interpolated.
    """

    radius: int
    shrinking: int
    contrast: Callable[[], float]

    def __call__(self, plane: FloatArray) -> FloatArray:
        from skimage.restoration import ellipsoid_kernel, rolling_ball

        holes = ~np.isfinite(plane)
        small = _darkest(np.where(holes, np.inf, plane), self.shrinking)
        side = 2 * round(self.radius / self.shrinking) + 1
        kernel = ellipsoid_kernel((side, side), self.contrast() * _BALL)
        top = np.asarray(rolling_ball(small, kernel=kernel))
        # No ball is near what is not a number.
        top[~np.isfinite(top)] = 0
        for axis, length in enumerate(plane.shape):
            top = _interpolated(top, self.shrinking, length, axis)
        return np.where(holes, np.nan, plane - top).astype(plane.dtype)


def _darkest(plane: FloatArray, size: int) -> FloatArray:
    """Return the darkest pixel of each square of a ``size``, from the first corner."""
    more = [(0, -length % size) for length in plane.shape]
    padded = np.pad(plane, more, constant_values=np.inf)
    y, x = (length // size for length in padded.shape)
    found: FloatArray = padded.reshape(y, size, x, size).min(axis=(1, 3))
    return found


def _interpolated(small: FloatArray, size: int, length: int, axis: int) -> FloatArray:
    """Return ``length`` pixels along an axis, linearly between centres of squares."""
    at = (np.arange(length) + 0.5) / size - 0.5
    at = at.clip(0, small.shape[axis] - 1)
    low = np.floor(at).astype(np.intp)
    high = np.minimum(low + 1, small.shape[axis] - 1)
    share = np.expand_dims((at - low).astype(small.dtype), 1 - axis)
    return small.take(low, axis) * (1 - share) + small.take(high, axis) * share
