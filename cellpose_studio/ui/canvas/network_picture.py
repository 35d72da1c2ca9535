"""A picture of flows or cell probability over the channels and under the masks."""

from __future__ import annotations

from typing import Any

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.ui.canvas.image_layers import CHANNEL, placement

_NAME = "Picture of the network"


class NetworkPicture:
    """The layer of the picture that is shown in place of the channels, if one is.

    Parameters
    ----------
    model
        napari's viewer model.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._image: ImageSource | None = None
        self._layer: Any = None

    def set_image(self, image: ImageSource | None) -> None:
        """Place pictures over ``image``; the one before has left with its image."""
        self._image = image
        self._layer = None

    def show(self, pixels: Any) -> None:
        """Show a picture, an array (…, Y, X, 3) of the size of the image; None hides.

        A 3D rendering has none: napari draws volumes in one colour map only.
        """
        layers = self._model.layers
        if self._layer is not None and self._layer in layers:
            layers.remove(self._layer)
        self._layer = None
        if pixels is None or self._image is None or self._model.dims.ndisplay == 3:
            return
        self._layer = self._model.add_image(
            pixels,
            name=_NAME,
            rgb=True,
            multiscale=False,
            blending="translucent_no_depth",
            **placement(self._image),
        )
        channels = sum(CHANNEL in layer.metadata for layer in layers)
        layers.move(len(layers) - 1, channels)
