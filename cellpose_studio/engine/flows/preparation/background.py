"""Subtracts the background of planes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.preparation.background import SubtractBackground
from cellpose_studio.engine.flows.preparation.readers import (
    Check,
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

_ROWS = 128
"""Rows after which a slow filter looks whether it was stopped."""


def background_subtracted(
    image: ImageSource, step: SubtractBackground, check: Check
) -> ImageSource:
    """Return an image without the background of one of its channels, or of all."""
    channels = range(image.channels) if step.channel is None else [step.channel - 1]
    radius = step.radius
    if step.method == "gaussian":
        blurs = dict.fromkeys(channels, partial(_less_gaussian, radius=radius))
        return with_changes(image, blurs, int(_TRUNCATED * radius + 0.5), check)
    if step.method == "rolling-ball":
        contrasts = Contrasts(image)
        balls = {c: _RollingBall(radius, contrasts, c, check) for c in channels}
        return with_changes(image, balls, radius, check)
    sign = 1 if step.method == "white-top-hat" else -1
    hats = dict.fromkeys(channels, partial(_top_hat, radius=radius, sign=sign))
    # An opening looks at the pixels around those that it looks at.
    return with_changes(image, hats, 2 * radius, check)


def _less_gaussian(plane: FloatArray, radius: int) -> FloatArray:
    """Subtract the mean of the pixels around, weighted by their distance."""
    from scipy.ndimage import gaussian_filter

    given: dict[str, Any] = {"truncate": _TRUNCATED, "mode": "nearest"}
    holes = ~np.isfinite(plane)
    if not holes.any():
        return np.asarray(plane - gaussian_filter(plane, radius, **given))
    # Pixels that are no number have no weight in the mean.
    there = (~holes).astype(plane.dtype)
    total = gaussian_filter(np.where(holes, 0, plane), radius, **given)
    share = gaussian_filter(there, radius, **given)
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
    """Subtracts the top of a ball that rolls under the image."""

    radius: int
    contrasts: Contrasts
    channel: int
    check: Check

    def __call__(self, plane: FloatArray) -> FloatArray:
        height = self.contrasts.of(self.channel) * _BALL
        holes = ~np.isfinite(plane)
        seen = np.where(holes, np.inf, plane).astype(plane.dtype)
        background = np.empty_like(seen)
        for top in range(0, len(seen), _ROWS):
            self.check()
            outer = slice(max(0, top - self.radius), top + _ROWS + self.radius)
            found = self._background(seen[outer], height)
            inner = slice(top - outer.start, top - outer.start + _ROWS)
            background[top : top + _ROWS] = found[inner]
        with np.errstate(invalid="ignore"):
            return np.where(holes, np.nan, seen - background).astype(plane.dtype)

    def _background(
        self, rows: npt.NDArray[np.floating[Any]], height: float
    ) -> FloatArray:
        from skimage.restoration import ellipsoid_kernel, rolling_ball

        side = 2 * self.radius + 1
        kernel = ellipsoid_kernel((side, side), height)
        return np.asarray(rolling_ball(rows, kernel=kernel))
