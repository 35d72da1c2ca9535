"""RGB compositing of channels and masks, as on the canvas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.images.intensities import non_finite

Blending = Literal["additive", "translucent", "minimum"]

_STEPS = 256
"""Colours between the darkest and the brightest."""

Rgb = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False, kw_only=True)
class Channel:
    """A plane of one channel with its display settings.

    Attributes
    ----------
    pixels
        (Y, X), or (Y, X, 3) of a colour picture. NaN and infinity count as darkest.
    limits
        Values that are shown darkest and brightest.
    colours
        RGB 0 to 1: a table (N, 3) from dark to bright, or one colour (3,), which
        begins at black. Not used for a colour image, whose pixels are RGB.
    gamma
        Exponent of the brightness.
    opacity
        0 to 1.
    blending
        How it combines with the channels below: sum, alpha blending or minimum.
    """

    pixels: npt.NDArray[np.generic]
    limits: tuple[float, float]
    colours: npt.NDArray[np.floating]
    gamma: float = 1.0
    opacity: float = 1.0
    blending: Blending = "translucent"


def composite(planes: Sequence[Channel]) -> Rgb:
    """Return (Y, X, RGB) of channels, the first at the bottom, on black.

    Raises
    ------
    ValueError
        Without a channel, or if their planes differ in size.
    """
    if not planes or len({plane.pixels.shape[:2] for plane in planes}) != 1:
        raise ValueError("composite needs planes of one size")
    seen = np.zeros((*planes[0].pixels.shape[:2], 3), np.float32)
    for n, plane in enumerate(planes):
        colours, strength = _colour_channel(plane), np.float32(plane.opacity)
        if plane.blending == "additive":
            seen = np.minimum(seen + colours * strength, 1)
        # The minimum with the black ground would be black.
        elif plane.blending == "minimum" and n > 0:
            seen = np.minimum(seen, colours)
        else:
            seen = seen * (1 - strength) + colours * strength
    return as_bytes(seen)


def overlay(
    rgb: Rgb,
    picture: npt.NDArray[np.uint8],
    table: npt.NDArray[np.float32],
    opacity: float = 1.0,
) -> Rgb:
    """Return (Y, X, RGB) with masks over it.

    Parameters
    ----------
    rgb
        (Y, X, RGB); not modified.
    picture
        (Y, X) of the masks, by `core.display.label_picture.picture`.
    table
        (256, 4) of RGBA, by `core.display.label_picture.colour_table`.
    opacity
        Of the masks as a whole, 0 to 1.
    """
    strength = table[:, 3:].astype(np.float32) * np.float32(opacity)
    # One table row per pixel value replaces a computation per pixel.
    added = (table[:, :3] * strength * 255).astype(np.float32)
    return np.round(rgb * (1 - strength)[picture] + added[picture]).astype(np.uint8)


def _colour_channel(plane: Channel) -> Floats:
    """Return (Y, X, RGB), 0 to 1, of a channel by itself."""
    bright = _brightness(plane)
    if bright.ndim == 3:
        return bright
    steps = np.round(bright * (_STEPS - 1)).astype(np.uint8)
    return _table(np.asarray(plane.colours, np.float32))[steps]


def _brightness(plane: Channel) -> Floats:
    """Return the pixels from 0 to 1 between the limits."""
    low, high = plane.limits
    span = high - low if high > low else 1.0
    # Double precision keeps large integers apart when the limits are close together.
    # Pixels are clipped first: dividing one far outside close limits overflows.
    values = plane.pixels.astype(np.float64)
    if (holes := non_finite(plane.pixels)) is not None:
        values[holes] = low
    inside = values.clip(low, low + span)
    bright = ((inside - low) / span).clip(0, 1).astype(np.float32)
    return bright if plane.gamma == 1 else bright ** np.float32(plane.gamma)


def _table(colours: Floats) -> Floats:
    """Return (`_STEPS`, 3) of a colour table, or from black to a single colour."""
    if colours.ndim == 1:
        colours = np.stack([np.zeros(3, np.float32), colours])
    at = np.linspace(0, len(colours) - 1, _STEPS)
    rows = np.arange(len(colours))
    channels = [np.interp(at, rows, colours[:, n]) for n in range(3)]
    return np.stack(channels, axis=1).astype(np.float32)


def as_bytes(colours: Floats) -> Rgb:
    """Return colours from 0 to 1 as bytes; values outside are clipped."""
    return np.round(colours.clip(0, 1) * 255).astype(np.uint8)
