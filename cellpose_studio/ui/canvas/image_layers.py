"""The layers of an image: one per channel, or one for an RGB image."""

from __future__ import annotations

from typing import Any

from cellpose_studio.core.display.channel_display import (
    auto_limits,
    first_colours,
    values_of,
)
from cellpose_studio.core.display.thumbnail import sample_plane
from cellpose_studio.core.images.image import (
    ChannelPixels,
    Colour,
    ColourPixels,
    ImageSource,
)
from cellpose_studio.core.images.intensities import as_float32

CHANNEL = "channel"
"""Metadata key of image layers: index of the channel; None for an RGB image."""

VALUES = "values"
"""Metadata key of layers of one channel: its `ChannelValues`."""

SHIFT = "shift"
"""Metadata key of layers of one channel: what was subtracted from its pixels."""


def add_image(model: Any, image: ImageSource) -> None:
    """Add the layers of ``image`` to napari's viewer model."""
    if image.rgb:
        _add_colours(model, image)
        return
    for channel, colour in enumerate(first_colours(image)):
        _add_channel(model, image, channel, colour)


def placement(image: ImageSource) -> dict[str, Any]:
    """Return napari's ``scale`` and ``units`` for the layers of ``image``."""
    return {"scale": image.label_scale, "units": image.label_units}


def limits_of(layer: Any) -> tuple[float, float]:
    """Return the contrast limits of a layer, in values of the image."""
    shift = layer.metadata.get(SHIFT, 0.0)
    low, high = (float(limit) + shift for limit in layer.contrast_limits)
    return low, high


def colormap_of(colour: Colour) -> Any:
    """Return napari's map from black to ``colour``."""
    from napari.utils.colormaps import Colormap

    return Colormap([[0.0, 0.0, 0.0], list(colour)], name=f"{colour}")


def _add_colours(model: Any, image: ImageSource) -> None:
    model.add_image(
        ColourPixels(image),
        name=image.path.name,
        rgb=True,
        metadata={CHANNEL: None},
        **placement(image),
    )


def _add_channel(model: Any, image: ImageSource, channel: int, colour: Colour) -> None:
    several = image.channels > 1
    sample = sample_plane(image, channel, shown=True)
    limits = auto_limits(sample)
    # The graphics card computes with 32-bit floats.
    _, shift = as_float32(sample)
    model.add_image(
        ChannelPixels(image, channel, limits[0], shift),
        name=image.channel_names[channel] if several else image.path.name,
        colormap=colormap_of(colour),
        blending="additive" if several else "translucent_no_depth",
        contrast_limits=[limit - shift for limit in limits],
        # Without it, napari guesses from the data whether they are a pyramid.
        multiscale=False,
        metadata={CHANNEL: channel, VALUES: values_of(sample), SHIFT: shift},
        **placement(image),
    )
