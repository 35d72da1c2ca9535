"""The layers of an image: one per channel, or one for an RGB image."""

from __future__ import annotations

from typing import Any

from cellpose_studio.core.display.thumbnail import (
    CHANNEL_COLOURS,
    CONTRAST,
    sample_plane,
)
from cellpose_studio.core.images.image import ChannelPixels, ColourPixels, ImageSource
from cellpose_studio.core.images.intensities import limits as limits_of

CHANNEL = "channel"
"""Metadata key of image layers: index of the channel; None for an RGB image."""

_COLOURS = tuple(CHANNEL_COLOURS)


def add_image(model: Any, image: ImageSource) -> None:
    """Add the layers of ``image`` to napari's viewer model."""
    if image.rgb:
        _add_colours(model, image)
        return
    for channel in range(image.channels):
        _add_channel(model, image, channel)


def placement(image: ImageSource) -> dict[str, Any]:
    """Return napari's ``scale`` and ``units`` for the layers of ``image``."""
    known = image.pixel_size_um[1] is not None
    axes = len(image.label_shape)
    frames = image.frames > 1
    units = ["pixel"] * frames + ["um" if known else "pixel"] * (axes - frames)
    return {"scale": image.label_scale, "units": units}


def axis_labels(image: ImageSource) -> list[str]:
    """Return the letters of the axes of the layers of ``image``."""
    axes = zip("TZ", (image.frames, image.planes), strict=True)
    return [*(letter for letter, length in axes if length > 1), "Y", "X"]


def contrast(image: ImageSource, channel: int) -> tuple[float, float]:
    """Return contrast limits: percentiles of a sample of the middle plane."""
    low, high = limits_of(sample_plane(image, channel), CONTRAST)
    # A uniform image has equal percentiles, which leave no range of contrast.
    return (low, high) if low < high else (low, low + 1)


def _add_colours(model: Any, image: ImageSource) -> None:
    model.add_image(
        ColourPixels(image),
        name=image.path.name,
        rgb=True,
        metadata={CHANNEL: None},
        **placement(image),
    )


def _add_channel(model: Any, image: ImageSource, channel: int) -> None:
    several = image.channels > 1
    limits = contrast(image, channel)
    model.add_image(
        ChannelPixels(image, channel, dark=limits[0]),
        name=image.channel_names[channel] if several else image.path.name,
        colormap=_COLOURS[channel % len(_COLOURS)] if several else "gray",
        blending="additive" if several else "translucent_no_depth",
        contrast_limits=limits,
        # Without it, napari guesses from the data whether they are a pyramid.
        multiscale=False,
        metadata={CHANNEL: channel},
        **placement(image),
    )
