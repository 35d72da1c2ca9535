"""Display settings of the channels of an image, and those that it has at first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from cellpose_studio.core.images.image import Colour, ImageSource
from cellpose_studio.core.images.intensities import finite_float64, limits

GREY: Colour = (1.0, 1.0, 1.0)

COLOURS: dict[str, Colour] = {
    "Grey": GREY,
    "Cyan": (0.0, 1.0, 1.0),
    "Magenta": (1.0, 0.0, 1.0),
    "Yellow": (1.0, 1.0, 0.0),
    "Green": (0.0, 1.0, 0.0),
    "Red": (1.0, 0.0, 0.0),
    "Blue": (0.0, 0.0, 1.0),
    "Orange": (1.0, 0.5, 0.0),
}
"""Colours of channels that are offered by name."""

_PAIR = ("Green", "Magenta")
_SEVERAL = ("Cyan", "Magenta", "Yellow", "Green", "Red", "Blue")

CONTRAST = (0.1, 99.9)
"""Percentiles of the pixels that are shown darkest and brightest."""

GAMMAS = (0.2, 5.0)
"""Smallest and largest gamma that is offered."""

_BINS = 96
_COUNTED = 2**17
"""About as many pixels are enough for a histogram."""

Array = npt.NDArray[Any]


class ChannelDisplay(BaseModel):
    """How a channel is shown.

    Attributes
    ----------
    visible
        Whether it is shown at all.
    colour
        Colour of its brightest pixels; the darkest ones are black.
    limits
        Values that are shown darkest and brightest.
    gamma
        Exponent of the brightness; below 1 dark parts become brighter.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    visible: bool = True
    colour: Colour = GREY
    limits: tuple[float, float] = (0.0, 1.0)
    gamma: float = Field(1.0, ge=GAMMAS[0], le=GAMMAS[1])

    @model_validator(mode="after")
    def _check(self) -> ChannelDisplay:
        if not self.limits[0] < self.limits[1]:
            raise ValueError("the limits need a range")
        if not all(0 <= part <= 1 for part in self.colour):
            raise ValueError("a colour has parts from 0 to 1")
        return self


@dataclass(frozen=True, eq=False, kw_only=True)
class ChannelValues:
    """Which values the pixels of a channel have.

    Attributes
    ----------
    bounds
        Values between which limits of the contrast are looked for.
    histogram
        Number of pixels, of a sample, in equal steps between the bounds.
    whole
        Whether all values are whole numbers.
    """

    bounds: tuple[float, float]
    histogram: npt.NDArray[np.int64]
    whole: bool


def channel_colours(channels: int) -> list[Colour]:
    """Return the colours that the channels of an image have at first.

    One channel is grey, two are green and magenta, three cyan, magenta and yellow:
    where all of them are bright, the sum is white, and they differ in brightness or in
    blue, so that colour-blind readers can tell them apart, unlike red and green.
    """
    if channels == 1:
        return [GREY]
    names = _PAIR if channels == 2 else _SEVERAL
    return [COLOURS[names[n % len(names)]] for n in range(channels)]


def first_colours(image: ImageSource) -> list[Colour]:
    """Return the colours in which the channels of an image are shown at first.

    Those of its file are kept if all channels have one and they differ; black ones
    would hide a channel.

    Raises
    ------
    ImageUnreadable
        If the file no longer exists.
    """
    known = [colour for colour in image.channel_colours if colour and any(colour)]
    if len(known) == image.channels > 1 and len(set(known)) > 1:
        return known
    return channel_colours(image.channels)


def auto_limits(pixels: Array) -> tuple[float, float]:
    """Return limits of the contrast for pixels: percentiles, with a range between."""
    low, high = limits(pixels, CONTRAST)
    # A uniform image has equal percentiles, which leave no range of contrast.
    return (low, high) if low < high else (low, low + 1)


def values_of(pixels: Array) -> ChannelValues:
    """Return which values the pixels have; for the bounds of sliders.

    The bounds of bytes are 0 to 255. Those of other types begin at 0, or below where
    there are negative values, and end at the brightest pixel.
    """
    whole = pixels.dtype.kind in "ui"
    values = (pixels if whole else finite_float64(pixels)).ravel()
    low, high = (float(values.min()), float(values.max())) if values.size else (0, 1)
    if pixels.dtype.itemsize == 1 and pixels.dtype.kind in "u":
        low, high = 0.0, 255.0
    elif low > 0 and (whole or low < high / 2):
        low = 0.0
    if not low < high:
        high = low + 1
    seen = values[:: max(1, values.size // _COUNTED)]
    counts, _ = np.histogram(seen, bins=_BINS, range=(low, high))
    return ChannelValues(bounds=(low, high), histogram=counts, whole=whole)


def reset(display: ChannelDisplay, values: ChannelValues) -> ChannelDisplay:
    """Return settings that show all values as they are, with a gamma of 1."""
    return replace_display(display, limits=values.bounds, gamma=1.0)


def replace_display(display: ChannelDisplay, **changes: Any) -> ChannelDisplay:
    """Return settings with changes, which are checked.

    Raises
    ------
    ValueError
        If a value is not allowed.
    """
    return ChannelDisplay(**{**display.model_dump(), **changes})


def stored_displays(state: object) -> dict[int, list[ChannelDisplay]]:
    """Return the settings of channels by the ids of images, from a stored state.

    A damaged project may hold any value: what is none is left out.
    """
    found = {}
    for image, stored in (state if isinstance(state, dict) else {}).items():
        displays = displays_of(stored)
        if displays and str(image).isdecimal():
            found[int(image)] = displays
    return found


def displays_of(data: object) -> list[ChannelDisplay]:
    """Return the settings of channels that were stored; [] if they are damaged."""
    if not isinstance(data, list):
        return []
    try:
        return [ChannelDisplay.model_validate(one) for one in data]
    except ValueError:
        return []
