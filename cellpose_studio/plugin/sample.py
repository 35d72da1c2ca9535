"""The sample image for napari's menu File > Open Sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellpose_studio.io.images.sample import PIXEL_UM, draw_nuclei

if TYPE_CHECKING:
    from cellpose_studio.plugin.layers import LayerData


def sample_layers() -> list[LayerData]:
    """Return nuclei, YX, and their true masks as layers."""
    image, masks = draw_nuclei()
    placed = {"scale": (PIXEL_UM, PIXEL_UM), "units": ("um", "um")}
    return [
        (image, {**placed, "name": "nuclei"}, "image"),
        (masks, {**placed, "name": "nuclei true masks"}, "labels"),
    ]
