"""Which channels a network sees where the user did not say."""

from __future__ import annotations

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.parameters import GREY


def default_channels(image: ImageSource, inputs: int) -> tuple[int | None, ...]:
    """Return what each of ``inputs`` of a network sees.

    A colour picture is seen as grey by a network of one or two inputs; otherwise
    the first channel comes first. A network of three sees the first three.
    """
    if inputs < 3:
        first = GREY if image.rgb else 1
        return (first, *[None] * (inputs - 1))
    return tuple(n + 1 if n < image.channels else None for n in range(inputs))
