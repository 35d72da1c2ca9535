"""What napari draws layers with, made when it is needed."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np


def install_lazy_nodes() -> None:
    """Make napari create nodes for volumes and tiles when they are first shown.

    It creates them for each layer, and that takes longer than all the rest of showing
    a plane. To be called before a viewer is made.
    """
    from napari._vispy.layers import image, labels, scalar_field  # PRIVATE
    from napari._vispy.utils import visual  # PRIVATE
    from napari.layers import Image

    if visual.layer_to_visual[Image] is not image.VispyImageLayer:
        return

    class ImageNodes(scalar_field.ScalarFieldLayerNode):
        """As `ImageLayerNode` of napari."""

        def __init__(self, node: Any = None, texture_format: Any = "auto") -> None:
            has_floats = "texture_float" in image.get_gl_extensions()
            self._custom = node
            self._format = texture_format if has_floats else None
            self._largest, _ = image.get_max_texture_sizes()

        def get_node(self, ndisplay: int, dtype: Any = None, shape: Any = None) -> Any:  # noqa: ARG002
            if self._custom is not None:
                return self._custom
            if ndisplay == 3:
                return self.volume
            is_large = shape is not None and max(shape[:2]) > self._largest
            return self.tiles if is_large else self.plane

        @cached_property
        def plane(self) -> Any:
            return image.ImageNode(None, method="auto", texture_format=self._format)

        @cached_property
        def tiles(self) -> Any:
            return image.TiledImageNode(
                np.zeros((1, 1), np.float32),
                tile_size=self._largest,
                texture_format=self._format,
            )

        @cached_property
        def volume(self) -> Any:
            return image.VolumeNode(
                np.zeros((1, 1, 1), np.float32),
                clim=[0, 1],
                texture_format=self._format,
            )

    class LabelNodes(labels.LabelLayerNode):
        """As its parent, but for the volume."""

        def _setup_nodes(self, texture_format: Any) -> None:  # PRIVATE
            self._format = texture_format
            dtype = scalar_field.get_dtype_from_vispy_texture_format(texture_format)
            self._image_node = labels.LabelNode(
                np.zeros((1, 1), dtype), method="auto", texture_format=texture_format
            )
            self.__dict__.pop("_volume_node", None)

        @cached_property
        def _volume_node(self) -> Any:
            dtype = scalar_field.get_dtype_from_vispy_texture_format(self._format)
            return labels.VolumeNode(
                np.zeros((1, 1, 1), dtype),
                clim=[0, 2**23 - 1],
                texture_format=self._format,
                interpolation="nearest",
            )

    class ImageLayer(image.VispyImageLayer):
        def __init__(self, layer: Any, **given: Any) -> None:
            super().__init__(layer, layer_node_class=ImageNodes, **given)

    visual.layer_to_visual[Image] = ImageLayer
    labels.LabelLayerNode = LabelNodes
