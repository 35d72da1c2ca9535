"""Layer of a comparison: each cell coloured by its change, in place of the masks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.app.history.comparison import KEPT
from cellpose_studio.core.display.label_picture import OUTLINE
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.matching.compare import ADDED, CHANGED, REMOVED, UNCHANGED
from cellpose_studio.ui.canvas.image_layers import placement

NAME = "Comparison"

# From the palette of Okabe and Ito, which colour-blind readers can distinguish.
COLOURS = {
    ADDED: "#56b4e9",
    REMOVED: "#e2601a",
    CHANGED: "#f0e442",
    UNCHANGED: "#b4b4b4",
}
"""Colours of cells by their change."""

_FILL, _KEPT_FILL = 0.6, 0.12


def put_comparison(
    model: Any,
    masks: Iterable[Any],
    image: ImageSource | None,
    picture: npt.NDArray[np.uint8] | None,
    levels: list[npt.NDArray[np.uint8]] | None = None,
) -> None:
    """Show the picture of a comparison and hide the masks; None removes it.

    A large one is shown by its ``levels``.
    """
    layers = model.layers
    for layer in [one for one in layers if one.metadata.get(NAME)]:
        layers.remove(layer)
    if picture is None or image is None:
        return
    for layer in masks:
        layer.visible = False
    layer = model.add_labels(
        levels or picture,
        multiscale=levels is not None,
        name=NAME,
        colormap=_colour_table(),
        opacity=1,
        metadata={NAME: True},
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
