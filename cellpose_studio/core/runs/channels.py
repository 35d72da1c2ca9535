"""Default input channels of a network."""

from __future__ import annotations

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.parameters import GREY


def default_channels(image: ImageSource, inputs: int) -> tuple[int | None, ...]:
    """Return the default channel for each of ``inputs`` of a network.

    A network of one or two inputs receives a colour image as grey, and of other images
    the first channel. A network of three inputs receives the first three channels.
    Of an image with channels that were made for the network, it receives the last one.
    """
    if image.made_channels:
        return (image.channels, *[None] * (inputs - 1))
    if inputs < 3:
        first = GREY if image.rgb else 1
        return (first, *[None] * (inputs - 1))
    return tuple(n + 1 if n < image.channels else None for n in range(inputs))
