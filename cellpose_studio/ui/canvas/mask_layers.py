"""The masks of an image as layers, one for each label set, and their colours."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.app.images.large_images import LargeImages
from cellpose_studio.core.display.cell_colours import CellColours
from cellpose_studio.core.display.label_marks import DrawnLabels, statuses_of
from cellpose_studio.core.display.label_picture import ranks_of
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.ui.canvas.image_layers import placement
from cellpose_studio.ui.canvas.layers.labels_layer import labels_layer
from cellpose_studio.ui.canvas.layers.mask_colours import Look, mask_colours
from cellpose_studio.ui.canvas.pictures import put_comparison
from cellpose_studio.ui.canvas.viewer.frames import Frames

_OPACITY = 0.4
"""Opacity of the fill of cells at first."""
_MUCH = 512 * 512  # px that are redrawn together at most


class MaskLayers:
    """Layers of masks by the names of their label sets.

    Parameters
    ----------
    model
        napari's viewer model.
    frames
        Those of the canvas.
    large
        Says which masks are shown by their levels.
    """

    def __init__(self, model: Any, frames: Frames, large: LargeImages) -> None:
        self._model = model
        self._large = large
        self._layer_class = labels_layer()
        self._image: ImageSource | None = None
        self._layers: dict[str, Any] = {}
        self._marks: dict[str, npt.NDArray[np.uint8]] = {}
        self._cell_colours: dict[str, CellColours] = {}
        self._in_3d = False
        self._filled = True
        self._outlines = True
        self._opacity = _OPACITY
        self._late: set[str] = set()
        self._late_as_a_whole: set[str] = set()
        self._frames = frames
        frames.call_before(self._redraw_late)
        self.marked: Callable[[], object] = lambda: None
        self.by_uncertainty = False
        """Whether cells are coloured by their uncertainty, where it is known."""

    def warm_up(self) -> None:
        """Import and cache what napari needs for the first masks; thread-safe."""
        self._layer_class(np.zeros((2, 2), np.uint32))

    def set_image(self, image: ImageSource | None) -> None:
        """Forget the layers of the previous image; place new ones over ``image``."""
        self._image = image
        self._layers.clear()

    def show(
        self,
        name: str,
        labels: npt.NDArray[np.uint32],
        confidence: Confidence | None = None,
        certain: Collection[int] = (),
        drawn: DrawnLabels | None = None,
    ) -> None:
        """Show masks over the image, replacing the layer of that name.

        `activate` has to follow.

        Parameters
        ----------
        certain
            Cells that are not uncertain, whatever the network says of them.
        drawn
            The picture of the masks, if it was drawn ahead.
        """
        layer = self._layer(name)
        if layer is not None:
            self._set_ranks(layer, confidence, certain)
            layer.marks = self._marks.get(name)
            layer.drawn = drawn
            layer.replace_labels(self._large.label_levels(labels) or labels)
            layer._reset_history()  # PRIVATE: assigning data keeps stale strokes
            return
        assert self._image is not None
        # The layer is hidden until it is set up: each setting of a visible layer
        # draws the masks again.
        levels = self._large.label_levels(labels)
        layer = self._layer_class(
            levels or labels,
            name=name,
            multiscale=levels is not None,
            colormap=mask_colours(self._look()),
            visible=False,
            **placement(self._image),
        )
        # With a contour, napari also redraws the surroundings of an edit, whose
        # outlines may have changed.
        layer.contour = 1
        # The overlays of napari's own tools take a quarter of a second to create.
        for overlay in layer._overlays.values():  # PRIVATE
            overlay.visible = False
        layer.cell_colours = self._cell_colours.get(name)
        layer.drawn = drawn
        self._set_ranks(layer, confidence, certain)
        layer.marks = self._marks.get(name)
        # Napari's own tools bypass the session: what they paint would be lost.
        layer.editable = False
        self._model.add_layer(layer)
        # napari would compute the extent of all layers again, which stays the same.
        layer.events.data.disconnect(self._model._on_layers_change)  # PRIVATE
        # The key is our name: napari renames a layer that has the name of a channel.
        self._layers[name] = layer
        layer.visible = True

    def set_marks(
        self,
        name: str,
        marks: npt.NDArray[np.uint8],
        regions: Sequence[tuple[slice, ...]] | None = (),
    ) -> None:
        """Show the review status of cells, as of `core.display.label_marks`.

        Redraws ``regions``, or everything with None, unless these are shown already.
        """
        known = self._marks.get(name)
        if known is not None and np.array_equal(known, marks):
            return
        self._marks[name] = marks
        self.marked()
        layer = self._layers.get(name)
        if layer is None:
            return
        layer.marks = marks
        if regions is None:
            self._redraw_as_a_whole(name)
            return
        self.redraw(name, regions)

    def redraw(self, name: str, regions: Sequence[tuple[slice, ...]]) -> None:
        """Redraw regions of masks that were changed in place."""
        layer = self._layer(name)
        if layer is None:
            return
        if self._model.dims.ndisplay == 3 or layer.multiscale:
            # Of large masks, the layer has no more than what is in view.
            layer.refresh(extent=False)
            return
        for region in filter(self._is_shown, regions):
            layer._accumulate_updated_slice(region)  # PRIVATE
            layer._partial_labels_refresh()  # PRIVATE

    def redraw_soon(self, name: str, region: tuple[slice, ...]) -> None:
        """Redraw a region with the next frame, together with others that wait.

        Of moves of the brush that come together, each would take as long as a frame.
        """
        layer = self._layer(name)
        if layer is None or self._model.dims.ndisplay == 3:
            self.redraw(name, [region])
        elif layer.multiscale:
            self._late.add(name)
            self._frames.ask()
        elif self._is_shown(region):
            waiting = layer._updated_slice  # PRIVATE
            if waiting is not None and _common_size(waiting, region) > _MUCH:
                layer._partial_labels_refresh()
            layer._accumulate_updated_slice(region)
            self._late.add(name)
            self._frames.ask()

    def _redraw_as_a_whole(self, name: str) -> None:
        """Redraw masks with the next frame, whatever else changes until then."""
        self._late_as_a_whole.add(name)
        self._frames.ask()

    def _redraw_late(self) -> None:
        late, self._late = self._late, set()
        whole, self._late_as_a_whole = self._late_as_a_whole, set()
        for layer in filter(None, map(self._layer, whole)):
            # The size is the same, so napari need not compute the extent again.
            layer.refresh(extent=False)
            self._recolour_layer(layer)
        for layer in filter(None, map(self._layer, late)):
            if layer.multiscale:
                layer.refresh(extent=False)
            else:
                layer._partial_labels_refresh()

    def _is_shown(self, region: tuple[slice, ...]) -> bool:
        """Return whether a region is in the plane on the screen.

        Others are drawn when they are shown.
        """
        if len(region) == 2:
            return True
        planes = zip(region[:-2], self._model.dims.current_step, strict=False)
        return all(part.start <= step < part.stop for part, step in planes)

    def remove(self, name: str) -> None:
        """Remove the layer of that name, if it exists."""
        layer = self._layer(name)
        self._layers.pop(name, None)
        if layer is not None:
            self._model.layers.remove(layer)

    def activate(self, name: str) -> None:
        """Show only the label set of that name, and select it."""
        for shown, layer in self._layers.items():
            # Assigning an equal value would make napari draw the layer again.
            if layer.visible != (shown == name):
                layer.visible = shown == name
            if layer.visible and self._model.layers.selection.active is not layer:
                self._model.layers.selection.active = layer
            # What was not used now would be outdated after the next edit.
            layer.drawn = None

    def show_comparison(self, picture: npt.NDArray[np.uint8] | None) -> None:
        """Show a comparison in place of the masks; None removes it."""
        levels = None if picture is None else self._large.label_levels(picture)
        put_comparison(self._model, self._layers.values(), self._image, picture, levels)

    def set_filled(self, filled: bool) -> None:
        """Fill the cells with their colours, or not."""
        self._filled = filled
        self.recolour()

    def set_opacity(self, opacity: float) -> None:
        """Fill the cells with an opacity from 0 to 1; a 3D rendering has its own."""
        self._opacity = opacity
        self.recolour()

    def set_outlines(self, outlines: bool) -> None:
        """Outline the cells, or not."""
        self._outlines = outlines
        self.recolour()

    def set_coloured_by_uncertainty(self, by_uncertainty: bool) -> None:
        """Colour the cells by their uncertainty, or each in a colour of its own."""
        self.by_uncertainty = by_uncertainty
        for layer in self._layers.values():
            layer.by_rank = by_uncertainty and layer.ranks is not None
            layer.refresh(extent=False)
        self.recolour()

    def colour_cells(self, name: str, colours: CellColours | None) -> None:
        """Colour the cells of masks by what was measured; None ends that."""
        if colours is None:
            self._cell_colours.pop(name, None)
        else:
            self._cell_colours[name] = colours
        layer = self._layer(name)
        if layer is not None:
            layer.cell_colours = colours
            self._redraw_as_a_whole(name)

    @property
    def cell_colours(self) -> CellColours | None:
        """What the colours of the cells shown tell, if they were measured."""
        shown = (x.cell_colours for x in self._layers.values() if x.visible)
        return next(shown, None)

    def set_in_3d(self, in_3d: bool) -> None:
        """Show cells as surfaces in a 3D rendering, or as areas of a plane."""
        self._in_3d = in_3d
        self.recolour()

    @property
    def visible(self) -> bool:
        """Whether masks are shown; a comparison hides them."""
        return any(layer.visible for layer in self._layers.values())

    @property
    def statuses(self) -> list[str]:
        """The statuses of cells of the masks that are shown."""
        shown = [x.marks for x in self._layers.values() if x.visible]
        return statuses_of(shown[0]) if shown and shown[0] is not None else []

    @property
    def uncertainty_known(self) -> bool:
        """Whether the masks that are shown have uncertainties; edits keep them."""
        return any(x.visible and x.ranks is not None for x in self._layers.values())

    def cell_at(self, position: Sequence[float]) -> int:
        """Return the id of the cell of the visible masks, 0 for none.

        Parameters
        ----------
        position
            World coordinates, from napari's cursor.
        """
        for layer in self._layers.values():
            # `activate` shows one label set at a time, so the first visible one is it.
            if layer.visible:
                if layer.multiscale:
                    return _id_at(layer, position)
                return int(layer.get_value(position, world=True) or 0)
        return 0

    def _layer(self, name: str) -> Any | None:
        """Return the layer of that name; None if the user has deleted it."""
        layer = self._layers.get(name)
        return layer if layer is not None and layer in self._model.layers else None

    def set_certain(
        self, name: str, confidence: Confidence | None, certain: Collection[int]
    ) -> None:
        """Set which cells are not uncertain; they are drawn so with the next `redraw`.

        Parameters
        ----------
        confidence
            That of all cells, as of `show`.
        """
        layer = self._layer(name)
        if layer is not None and confidence is not None:
            layer.ranks = ranks_of(confidence.ids, confidence.scores, certain)

    def _set_ranks(
        self, layer: Any, confidence: Confidence | None, certain: Collection[int]
    ) -> None:
        """Set the ranks by uncertainty of the cells of ``layer``."""
        layer.ranks = None
        if confidence is not None:
            layer.ranks = ranks_of(confidence.ids, confidence.scores, certain)
        layer.by_rank = self.by_uncertainty and layer.ranks is not None
        self._recolour_layer(layer)

    def recolour(self) -> None:
        """Give all masks the colours that the next frame will show."""
        for layer in self._layers.values():
            self._recolour_layer(layer)

    def _recolour_layer(self, layer: Any) -> None:
        coloured_by = self._look(), layer.cell_colours, layer.by_rank
        # napari takes a while to change colours, if only to the same ones.
        if layer.coloured_by == coloured_by:
            return
        layer.coloured_by = coloured_by
        # The picture is not drawn again: only its colour table changes.
        with layer._block_refresh():  # PRIVATE
            layer.colormap = mask_colours(*coloured_by)

    def _look(self) -> Look:
        return Look(self._filled, self._outlines, self._opacity, self._in_3d)


def _id_at(layer: Any, position: Sequence[float]) -> int:
    """Return the id at world coordinates, whatever level is shown; 0 outside."""
    labels = layer.data[0]
    at = [round(n) for n in layer.world_to_data(position)]
    inside = all(0 <= n < size for n, size in zip(at, labels.shape, strict=True))
    return int(labels[tuple(at)]) if inside else 0


def _common_size(one: tuple[slice, ...], other: tuple[slice, ...]) -> int:
    """Return the pixels of the smallest box with two boxes of a plane."""
    sides = (
        max(a.stop, b.stop) - min(a.start, b.start)
        for a, b in zip(one[-2:], other[-2:], strict=True)
    )
    return prod(sides)
