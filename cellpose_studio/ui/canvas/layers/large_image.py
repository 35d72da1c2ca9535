"""The layers of an image whose planes are too large to be shown as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from qtpy.QtCore import QTimer

from cellpose_studio.app.images.large_images import ChannelLook, LargeImage
from cellpose_studio.core.display.channel_display import first_colours, values_of
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.ui.canvas.image_layers import (
    CHANNEL,
    SHIFT,
    VALUES,
    colormap_of,
    placement,
)
from cellpose_studio.ui.canvas.layers.level_pixels import LevelPixels

_INTERVAL = 80
"""Milliseconds between two times that new pixels are drawn."""


class LargeLayers:
    """The layers of a large image, which are drawn again as pixels arrive.

    Parameters
    ----------
    model
        napari's viewer model.
    looked
        Called when the first contrast of a channel has changed.
    """

    def __init__(
        self, model: Any, large: LargeImage, looked: Callable[[], None]
    ) -> None:
        self._large = large
        self._told = looked
        self._layers: list[Any] = []
        self._limits: list[tuple[float, float]] = []
        self._timer = QTimer(singleShot=True, interval=_INTERVAL)
        self._timer.timeout.connect(self._draw)
        for layer in _layers_of(large):
            # napari would keep the coarsest level as it is at first.
            layer._level_materializer = None  # PRIVATE
            model.add_layer(layer)
            self._layers.append(layer)
            self._limits.append(_limits(layer))
        large.arrived.connect(self._on_arrived)
        large.looked.connect(self._on_look)

    def show(self) -> None:
        """Show the layers, once the plane is chosen: each plane shown is read."""
        for layer in self._layers:
            layer.visible = True

    def close(self) -> None:
        """Read no more."""
        self._timer.stop()
        self._large.arrived.disconnect(self._on_arrived)
        self._large.looked.disconnect(self._on_look)
        self._large.close()

    def limits(self, channel: int, t: int, z: int) -> tuple[float, float]:
        """Return limits of the contrast for a plane."""
        return self._large.limits((t, channel, z))

    def value(self, channel: int, position: Sequence[int]) -> Any | None:
        """Return the pixel at a position in the masks; None if it was not read."""
        t, z = self._large.image.frame_and_plane(position)
        y, x = position[-2:]
        return self._large.value((t, channel, z), y, x)

    def _on_arrived(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _draw(self) -> None:
        for layer in self._layers:
            if layer.visible:
                layer.refresh(extent=False)

    def _on_look(self, channel: int, look: ChannelLook) -> None:
        if self._large.image.rgb:
            return
        layer = self._layers[channel]
        layer.metadata[VALUES] = look.values
        # The user may have set others meanwhile, or a project before.
        if _limits(layer) == self._limits[channel]:
            layer.contrast_limits = look.limits
        self._limits[channel] = look.limits
        self._told()


def _layers_of(large: LargeImage) -> list[Any]:
    from napari.layers import Image

    image = large.image
    common = {"multiscale": True, "visible": False, **placement(image)}
    if image.rgb:
        levels = [LevelPixels(large, None, factor) for factor in large.factors]
        metadata = {CHANNEL: None}
        return [
            Image(levels, name=image.path.name, rgb=True, metadata=metadata, **common)
        ]
    several = image.channels > 1
    return [
        Image(
            [LevelPixels(large, channel, factor) for factor in large.factors],
            name=image.channel_names[channel] if several else image.path.name,
            colormap=colormap_of(colour),
            blending="additive" if several else "translucent_no_depth",
            contrast_limits=_first_limits(image),
            metadata={CHANNEL: channel, VALUES: _first_values(image), SHIFT: 0.0},
            **common,
        )
        for channel, colour in enumerate(first_colours(image))
    ]


def _first_limits(image: ImageSource) -> tuple[float, float]:
    """Return limits of the contrast until pixels were read."""
    whole = image.dtype.kind in "iu"
    return (0.0, float(np.iinfo(image.dtype.str).max)) if whole else (0.0, 1.0)


def _first_values(image: ImageSource) -> Any:
    return values_of(np.array([[0, 1]]).astype(image.dtype))


def _limits(layer: Any) -> tuple[float, float]:
    low, high = layer.contrast_limits
    return float(low), float(high)
