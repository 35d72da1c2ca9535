"""The masks of an image as layers, one for each label set, and their colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.display.label_picture import (
    colour_table,
    palette,
    ranks_of,
    uncertainty_palette,
)
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.ui.canvas.comparison_layer import put_comparison
from cellpose_studio.ui.canvas.image_layers import placed
from cellpose_studio.ui.canvas.labels_layer import labels_layer

_FILL = 0.4
_VEIL = 0.35
_UNCERTAINTY_FILL = 0.6  # its colours are few, and have to be told apart


class MaskLayers:
    """Layers of masks by the names of their label sets.

    Parameters
    ----------
    model
        napari's viewer model.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._layer_class = labels_layer()
        self._image: ImageSource | None = None
        self._layers: dict[str, Any] = {}
        self._marks: dict[str, npt.NDArray[np.uint8]] = {}
        self._in_3d = False
        self._filled = True
        self._outlines = True
        self._by_uncertainty = False

    def warm_up(self) -> None:
        """Load what napari needs for the first masks; for any thread."""
        self._layer_class(np.zeros((2, 2), np.uint32))

    def set_image(self, image: ImageSource | None) -> None:
        """Forget the layers of the image before; those to come lie over ``image``."""
        self._image = image
        self._layers.clear()

    def show(
        self,
        name: str,
        labels: npt.NDArray[np.uint32],
        confidence: Confidence | None = None,
    ) -> None:
        """Show masks over the image, replacing the layer of that name."""
        layer = self._layer(name)
        if layer is not None:
            self._rank(layer, confidence)
            layer.marks = self._marks.get(name)
            layer.data = labels
            layer._reset_history()  # PRIVATE: assigning data keeps stale strokes
            return
        assert self._image is not None
        # Hidden until all is set, or each setting would draw the masks again.
        layer = self._layer_class(
            labels,
            name=name,
            colormap=self._colours(),
            visible=False,
            **placed(self._image),
        )
        # Napari then asks for the surroundings of what it painted, too.
        layer.contour = 1
        # What napari's own tools draw takes a quarter of a second to make.
        for overlay in layer._overlays.values():  # PRIVATE
            overlay.visible = False
        self._rank(layer, confidence)
        layer.marks = self._marks.get(name)
        # Masks change by runs and thresholds here; a stray stroke would be lost.
        layer.editable = False
        self._model.add_layer(layer)
        # By our name: napari renames a layer that is called as a channel is. Only
        # now: what napari selects by itself, the user did not choose.
        self._layers[name] = layer
        layer.visible = True

    def set_marks(
        self,
        name: str,
        marks: npt.NDArray[np.uint8],
        regions: Sequence[tuple[slice, ...]] | None = (),
    ) -> None:
        """Show what was decided about cells, by `core.display.label_marks`.

        Only ``regions`` are drawn again, or all with None.
        """
        self._marks[name] = marks
        layer = self._layers.get(name)
        if layer is None:
            return
        layer.marks = marks
        if regions is None:
            layer.refresh(extent=False)
            return
        self.redraw(name, regions)

    def redraw(self, name: str, regions: Sequence[tuple[slice, ...]]) -> None:
        """Draw regions of masks again, after they were changed in place."""
        layer = self._layer(name)
        if layer is None:
            return
        if self._model.dims.ndisplay == 3:
            layer.refresh(extent=False)
            return
        for region in regions:
            planes = zip(region[:-2], self._model.dims.current_step, strict=False)
            if all(part.start <= step < part.stop for part, step in planes):
                layer._accumulate_updated_slice(region)  # PRIVATE
                layer._partial_labels_refresh()  # PRIVATE

    def remove(self, name: str) -> None:
        """Take the layer of that name away, if it is there."""
        layer = self._layer(name)
        self._layers.pop(name, None)
        if layer is not None:
            self._model.layers.remove(layer)

    def activate(self, name: str) -> None:
        """Show only the label set of that name, and select it."""
        for shown, layer in self._layers.items():
            # Or napari would draw what is shown already again.
            if layer.visible != (shown == name):
                layer.visible = shown == name
            if layer.visible:
                self._model.layers.selection.active = layer

    def show_comparison(self, picture: npt.NDArray[np.uint8] | None) -> None:
        """Show what became of each cell in place of the masks; None: take it away."""
        put_comparison(self._model, self._layers.values(), self._image, picture)

    def set_filled(self, filled: bool) -> None:
        """Fill the cells with their colours, or not."""
        self._filled = filled
        self._recolour()

    def set_outlines(self, outlines: bool) -> None:
        """Outline the cells, or not."""
        self._outlines = outlines
        self._recolour()

    def set_coloured_by_uncertainty(self, by_uncertainty: bool) -> None:
        """Colour the cells by how sure the network is of them, or all differently."""
        self._by_uncertainty = by_uncertainty
        for layer in self._layers.values():
            layer.by_rank = by_uncertainty and layer.ranks is not None
            layer.refresh(extent=False)
        self._recolour()

    def set_in_3d(self, in_3d: bool) -> None:
        """Show cells as bodies in a 3D rendering, or as areas of a plane."""
        self._in_3d = in_3d
        self._recolour()

    @property
    def visible(self) -> bool:
        """Masks are shown; a comparison takes their place."""
        return any(layer.visible for layer in self._layers.values())

    def name_of(self, layer: Any) -> str | None:
        """Return the label set that a layer of napari shows; None without one."""
        return next((n for n, one in self._layers.items() if one is layer), None)

    def cell_at(self, position: Sequence[float]) -> int:
        """Return the id of the cell of the visible masks, 0 for none.

        Parameters
        ----------
        position
            As napari tells the place of the mouse.
        """
        for layer in self._layers.values():
            if layer.visible:
                return int(layer.get_value(position, world=True) or 0)
        return 0

    def _layer(self, name: str) -> Any | None:
        """Return the layer of that name, if the user has not deleted it."""
        layer = self._layers.get(name)
        return layer if layer is not None and layer in self._model.layers else None

    def _rank(self, layer: Any, confidence: Confidence | None) -> None:
        """Tell ``layer`` how sure the network is of its next labels."""
        layer.ranks = None
        if confidence is not None:
            size = int(confidence.ids.max(initial=0)) + 1
            layer.ranks = ranks_of(confidence.ids, confidence.scores, size)
        layer.by_rank = self._by_uncertainty and layer.ranks is not None
        self._recolour_layer(layer)

    def _recolour(self) -> None:
        for layer in self._layers.values():
            self._recolour_layer(layer)

    def _recolour_layer(self, layer: Any) -> None:
        # The picture stays, only its colours change.
        with layer._block_refresh():  # PRIVATE
            layer.colormap = self._colours(layer.by_rank)

    def _colours(self, by_rank: bool = False) -> Any:
        from napari.utils.colormaps import CyclicLabelColormap

        strength = _UNCERTAINTY_FILL if by_rank else _FILL
        fill = strength if self._filled else 0.0
        outline = 1.0 if self._outlines else fill
        if self._in_3d:
            # The surface of a cell hides what is in it, or is seen through.
            fill = outline = 1.0 if self._filled else _VEIL * self._outlines
        colours = uncertainty_palette() if by_rank else palette()
        table = colour_table(colours, fill=fill, outline=outline)
        return CyclicLabelColormap(colors=table)
