"""Pictures over the image: of the network in place of the channels, or a comparison."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.app.history.comparison import KEPT
from cellpose_studio.core.display.label_picture import OUTLINE
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.matching.compare import ADDED, CHANGED, REMOVED, UNCHANGED
from cellpose_studio.core.matching.evaluation.errors import MERGED, SPLIT
from cellpose_studio.ui.canvas.image_layers import CHANNEL, placement

_PICTURE = "picture"
FLOWS, PROBABILITY = "Flows", "Cell probability"
"""What such a picture shows."""
COMPARISON = "Comparison"

# From the palette of Okabe and Ito, which colour-blind readers can distinguish.
COLOURS = {
    ADDED: "#56b4e9",
    REMOVED: "#e2601a",
    CHANGED: "#f0e442",
    MERGED: "#cc79a7",
    SPLIT: "#f0e442",
    UNCHANGED: "#b4b4b4",
}
"""Colours of cells by their change, or by what is wrong with them."""

_FILL, _KEPT_FILL = 0.6, 0.12


class NetworkPicture:
    """A layer over the channels and under the masks: of flows, or of what is prepared.

    Parameters
    ----------
    model
        napari's viewer model.
    name
        Of the layer.
    """

    def __init__(self, model: Any, name: str) -> None:
        self._model = model
        self._name = name
        self._image: ImageSource | None = None
        self._layer: Any = None
        self.shown = ""
        """What is shown: `FLOWS`, `PROBABILITY` or nothing."""

    def set_image(self, image: ImageSource | None) -> None:
        """Place pictures over ``image``; the one before has left with its image."""
        self._image = image
        self._layer = None
        self.shown = ""

    def show(
        self, pixels: Any, what: str = "", corner: tuple[int, int] = (0, 0)
    ) -> None:
        """Show a picture, an array (…, Y, X, 3) of the size of the image; None hides.

        That of a part of the planes has its first pixel in a ``corner``, Y and X. A 3D
        rendering has none: napari draws volumes in one colour map only.
        """
        layers = self._model.layers
        there = self._layer is not None and self._layer in layers
        image = self._image if self._model.dims.ndisplay != 3 else None
        shown = image is not None and pixels is not None
        self.shown = what if shown else ""
        if there and shown and self._fits(pixels, corner):
            self._layer.data = pixels
            self._layer.visible = True
            return
        if there:
            layers.remove(self._layer)
        self._layer = None
        if pixels is None or image is None:
            return
        self._layer = self._model.add_image(
            pixels,
            name=self._name,
            rgb=True,
            multiscale=False,
            blending="translucent_no_depth",
            metadata={_PICTURE: True},
            translate=self._translation(corner),
            **placement(image),
        )
        # The picture that was chosen last is on top of other ones.
        below = sum(
            CHANNEL in layer.metadata or _PICTURE in layer.metadata
            for layer in layers[:-1]
        )
        layers.move(len(layers) - 1, below)

    def hide(self) -> None:
        """Hide the picture until the next one is shown."""
        if self._layer is not None:
            self._layer.visible = False

    def _fits(self, pixels: Any, corner: tuple[int, int]) -> bool:
        """Return whether the layer can take other pixels; to add one takes longer."""
        layer = self._layer
        same = tuple(layer.data.shape) == tuple(pixels.shape)
        return same and list(layer.translate) == self._translation(corner)

    def _translation(self, corner: tuple[int, int]) -> list[float]:
        scale = self._image.label_scale if self._image else (1.0, 1.0)
        y, x = (at * size for at, size in zip(corner, scale[-2:], strict=True))
        return [*[0.0] * (len(scale) - 2), y, x]


def put_comparison(
    model: Any,
    masks: Iterable[Any],
    image: ImageSource | None,
    picture: npt.NDArray[np.uint8] | None,
    levels: list[npt.NDArray[np.uint8]] | None = None,
) -> None:
    """Show each cell coloured by its change in place of the masks; None removes it.

    A large picture is shown by its ``levels``.
    """
    layers = model.layers
    for layer in [one for one in layers if one.metadata.get(COMPARISON)]:
        layers.remove(layer)
    if picture is None or image is None:
        return
    for layer in masks:
        layer.visible = False
    layer = model.add_labels(
        levels or picture,
        multiscale=levels is not None,
        name=COMPARISON,
        colormap=_colour_table(),
        opacity=1,
        metadata={COMPARISON: True},
        **placement(image),
    )
    # napari's own tools must not paint into the picture.
    layer.editable = False


def _colour_table() -> dict[int | None, tuple[float, ...]]:
    """Return RGBA by value: a pale fill, none for unchanged cells, and an outline."""
    table: dict[int | None, tuple[float, ...]] = {None: (0, 0, 0, 0), 0: (0, 0, 0, 0)}
    for state, colour in COLOURS.items():
        rgb = tuple(int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
        same = state == UNCHANGED
        table[state] = (*rgb, 0.0 if same else _FILL)
        table[state | OUTLINE] = (*rgb, 0.5 if same else 1.0)
    table[KEPT] = (*table[CHANGED][:3], _KEPT_FILL)
    table[KEPT | OUTLINE] = table[CHANGED | OUTLINE]
    return table
