"""How the canvas shows the channels of an image, and its masks, at present."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.display.composite import Blending, Channel
from cellpose_studio.ui.canvas.image_layers import CHANNEL

_STEPS = 256
_BLENDING: dict[str, Blending] = {"additive": "additive", "minimum": "minimum"}


@dataclass(frozen=True, eq=False, kw_only=True)
class ChannelLook:
    """How a channel is shown.

    Attributes
    ----------
    channel
        Its index in the image; None for a colour picture.
    limits, colours, gamma, opacity, blending
        As in `core.display.composite.Channel`.
    """

    channel: int | None
    limits: tuple[float, float]
    colours: npt.NDArray[np.float32]
    gamma: float
    opacity: float
    blending: Blending

    def of(self, pixels: npt.NDArray[np.generic]) -> Channel:
        """Return pixels, (Y, X) or (Y, X, 3), that are to look like this."""
        return Channel(
            pixels=pixels,
            limits=self.limits,
            colours=self.colours,
            gamma=self.gamma,
            opacity=self.opacity,
            blending=self.blending,
        )


def channels_shown(layers: Iterable[Any]) -> list[ChannelLook]:
    """Return the channels of the image that are visible in ``layers``, lowest first."""
    channels = [layer for layer in layers if CHANNEL in layer.metadata]
    return [_look(layer) for layer in channels if layer.visible]


def _look(layer: Any) -> ChannelLook:
    low, high = layer.contrast_limits
    colours = layer.colormap.map(np.linspace(0, 1, _STEPS))[:, :3]
    return ChannelLook(
        channel=layer.metadata[CHANNEL],
        limits=(float(low), float(high)),
        colours=np.asarray(colours, np.float32),
        gamma=float(layer.gamma),
        opacity=float(layer.opacity),
        blending=_BLENDING.get(layer.blending, "translucent"),
    )


@dataclass(frozen=True, eq=False)
class MasksLook:
    """How masks are shown.

    Attributes
    ----------
    labels
        As wide as the image, (…, Y, X).
    table
        RGBA (256, 4) of their picture.
    opacity
        0 to 1.
    picture
        Draws labels (A, B) as `core.display.label_picture` does, with what was decided.
    """

    labels: npt.NDArray[np.uint32]
    table: npt.NDArray[np.float32]
    opacity: float
    picture: Callable[[npt.NDArray[np.uint32]], npt.NDArray[np.uint8]]


def masks_shown(layers: Iterable[Any]) -> list[MasksLook]:
    """Return the masks that are visible in ``layers``, the lowest first."""
    masks = [layer for layer in layers if hasattr(layer, "drawn")]
    return [
        MasksLook(
            layer.data,
            np.asarray(layer.colormap.colors, np.float32),
            float(layer.opacity),
            layer.drawn,
        )
        for layer in masks
        if layer.visible
    ]
