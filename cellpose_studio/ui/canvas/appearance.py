"""Current appearance of the channels and the masks on the canvas."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.display.composite import Blending, Channel
from cellpose_studio.ui.canvas.image_layers import CHANNEL, limits_of

_STEPS = 256
_BLENDING: dict[str, Blending] = {"additive": "additive", "minimum": "minimum"}


@dataclass(frozen=True, eq=False, kw_only=True)
class ChannelAppearance:
    """How a channel is shown.

    Attributes
    ----------
    channel
        Index in the image; None for an RGB image.
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
        """Return pixels, (Y, X) or (Y, X, 3), with the appearance of this channel."""
        return Channel(
            pixels=pixels,
            limits=self.limits,
            colours=self.colours,
            gamma=self.gamma,
            opacity=self.opacity,
            blending=self.blending,
        )


def channels_shown(layers: Iterable[Any]) -> list[ChannelAppearance]:
    """Return the channels of the image that are visible in ``layers``, bottom first."""
    channels = [layer for layer in layers if CHANNEL in layer.metadata]
    return [_appearance_of(layer) for layer in channels if layer.visible]


def _appearance_of(layer: Any) -> ChannelAppearance:
    colours = layer.colormap.map(np.linspace(0, 1, _STEPS))[:, :3]
    return ChannelAppearance(
        channel=layer.metadata[CHANNEL],
        limits=limits_of(layer),
        colours=np.asarray(colours, np.float32),
        gamma=float(layer.gamma),
        opacity=float(layer.opacity),
        blending=_BLENDING.get(layer.blending, "translucent"),
    )


@dataclass(frozen=True, eq=False)
class MasksAppearance:
    """How masks are shown.

    Attributes
    ----------
    labels
        (…, Y, X), of the size of the image.
    table
        (256, 4) RGBA of the values of the picture.
    opacity
        0 to 1.
    picture
        Draws labels (A, B) with their status, as `core.display.label_picture` does.
    """

    labels: npt.NDArray[np.uint32]
    table: npt.NDArray[np.float32]
    opacity: float
    picture: Callable[[npt.NDArray[np.uint32]], npt.NDArray[np.uint8]]


def masks_shown(layers: Iterable[Any]) -> list[MasksAppearance]:
    """Return the visible masks of ``layers``, bottom first."""
    masks = [layer for layer in layers if hasattr(layer, "draw_picture")]
    return [
        MasksAppearance(
            layer.data[0] if layer.multiscale else layer.data,
            np.asarray(layer.colormap.colors, np.float32),
            float(layer.opacity),
            layer.draw_picture,
        )
        for layer in masks
        if layer.visible
    ]
