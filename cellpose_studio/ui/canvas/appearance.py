"""How the canvas shows the channels of an image at present."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.composite import Blending, Channel

if TYPE_CHECKING:
    from cellpose_studio.ui.canvas.canvas import Canvas

CHANNEL = "channel"
"""Under this name a layer of the image says which channel it is; None: all colours."""

_STEPS = 256
_BLENDING: dict[str, Blending] = {"additive": "additive", "minimum": "minimum"}


@dataclass(frozen=True, eq=False)
class ChannelLook:
    """How a channel is shown.

    Attributes
    ----------
    channel
        Its index in the image; None for a colour picture.
    limits, colours, gamma, opacity, blending
        As in `core.composite.Channel`.
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
            pixels, self.limits, self.colours, self.gamma, self.opacity, self.blending
        )


def channels_shown(canvas: Canvas) -> list[ChannelLook]:
    """Return the channels of the image that are visible, the lowest first."""
    layers = [layer for layer in canvas.model.layers if CHANNEL in layer.metadata]
    return [_look(layer) for layer in layers if layer.visible]


def _look(layer: Any) -> ChannelLook:
    low, high = layer.contrast_limits
    colours = layer.colormap.map(np.linspace(0, 1, _STEPS))[:, :3]
    return ChannelLook(
        layer.metadata[CHANNEL],
        (float(low), float(high)),
        np.asarray(colours, np.float32),
        float(layer.gamma),
        float(layer.opacity),
        _BLENDING.get(layer.blending, "translucent"),
    )
