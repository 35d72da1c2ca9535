"""An image with its masks on the canvas."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QApplication, QScrollArea, QVBoxLayout, QWidget

from cellpose_studio.core.display.label_picture import (
    colour_table,
    palette,
    ranks_of,
    uncertainty_palette,
)
from cellpose_studio.core.display.thumbnail import CHANNEL_COLOURS
from cellpose_studio.core.images.image import ChannelPixels, ColourPixels, ImageSource
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.ui.canvas.comparison_layer import put_comparison
from cellpose_studio.ui.canvas.layer_style import axis_labels, contrast, placed
from cellpose_studio.ui.canvas.layers import CHANNEL
from cellpose_studio.ui.canvas.lines import Lines
from cellpose_studio.ui.canvas.masks_layer import masks_layer
from cellpose_studio.ui.canvas.mouse import Mouse
from cellpose_studio.ui.canvas.mouse_event import MouseEvent, MouseHandler
from cellpose_studio.ui.canvas.providers import provide
from cellpose_studio.ui.canvas.rendering import Rendering

_COLOURS = tuple(CHANNEL_COLOURS)
_FILL = 0.4
_VEIL = 0.35
_UNCERTAINTY_FILL = 0.6  # its colours are few, and have to be told apart


class Canvas(QObject):
    """An image with its label sets as layers, and napari's own panels for them."""

    status_changed = Signal(str)
    cell_pointed_at = Signal(int)  # id in the selected masks, 0 for none
    labels_chosen = Signal(str)  # name of a label set, by a click on its layer
    image_changed = Signal()

    def __init__(self, theme: str) -> None:
        super().__init__()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "System theme detection")  # Qt 5 only
            from napari.components import ViewerModel
            from napari.qt import QtViewer, get_qapp

            # Registers the search paths of napari's icons.
            get_qapp()

        class Viewer(QtViewer):
            def dragEnterEvent(self, event: Any) -> None:
                """Leave dropped files to the window, or napari's plugins open them."""
                event.ignore()

        self.model = ViewerModel(title="Cellpose Studio")
        self.model.theme = theme
        # In µm, or in pixels where their size is not known.
        self.model.canvas.overlays.scale_bar.visible = True
        self.widget = Viewer(self.model)
        self._providers = provide(self.model)
        self._masks_layer = masks_layer()
        self._outlines = True
        self._masks_shown = True
        self._by_uncertainty = False
        self._image: ImageSource | None = None
        self._masks: dict[str, Any] = {}
        self._marks: dict[str, npt.NDArray[np.uint8]] = {}
        self.model.events.status.connect(self._on_status)
        self.model.layers.selection.events.active.connect(self._on_active)
        self._mouse = Mouse(self.model, self._scale)
        self._lines = Lines(self.widget)
        self.rendering = Rendering(self)

    def layer_controls(self) -> QWidget:
        """Return napari's controls of the selected layer."""
        # They are wider than the column of docks has to be.
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(self.widget.controls)
        return area

    def layer_panel(self) -> QWidget:
        """Return the list of layers with its buttons."""
        panel = QWidget()
        column = QVBoxLayout(panel)
        column.setContentsMargins(4, 4, 4, 4)
        column.addWidget(self.widget.layers)
        column.addWidget(self.widget.viewerButtons)
        # The console would import IPython, and could do anything to the layers.
        self.widget.viewerButtons.consoleButton.hide()
        return panel

    def style_sheet(self, theme: str, additions: str) -> str:
        """Return napari's style for all widgets, and ``additions`` in its colours."""
        from napari.qt import get_stylesheet
        from napari.utils.theme import get_theme, template

        size = f"{QApplication.font().pointSize()}pt"
        sheet = get_stylesheet(theme, extra_variables={"font_size": size})
        return str(sheet + template(additions, **get_theme(theme).to_rgb_dict()))

    def set_theme(self, theme: str) -> None:
        """Change the colours of the canvas."""
        self.model.theme = theme

    def warm_up(self) -> None:
        """Load what napari needs for the first masks; for any thread."""
        self._masks_layer(np.zeros((2, 2), np.uint32))

    def show_image(self, image: ImageSource | None) -> None:
        """Show ``image`` in place of whatever was there, all of it in view."""
        self._image = image
        self._lines.clear()
        self._masks.clear()
        self.model.layers.clear()
        self.image_changed.emit()
        if image is None:
            return
        if image.rgb:
            self._add_colours(image)
        else:
            for channel in range(image.channels):
                self._add_channel(image, channel)
        self.model.dims.axis_labels = axis_labels(image)
        self.model.reset_view()
        self._show_middle_plane(image)

    @property
    def image(self) -> ImageSource | None:
        """What is shown."""
        return self._image

    def show_labels(
        self,
        name: str,
        labels: npt.NDArray[np.uint32],
        confidence: Confidence | None = None,
    ) -> None:
        """Show masks over the image, replacing the layer of that name."""
        layer = self._masks.get(name)
        if layer is not None and layer in self.model.layers:
            self._rank(layer, confidence)
            layer.marks = self._marks.get(name)
            layer.data = labels
            layer._reset_history()  # PRIVATE: assigning data keeps stale strokes
            return
        assert self._image is not None
        # Hidden until all is set, or each setting would draw the masks again.
        layer = self._masks_layer(
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
        self.model.add_layer(layer)
        # By our name: napari renames a layer that is called as a channel is. Only
        # now: what napari selects by itself, the user did not choose.
        self._masks[name] = layer
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
        layer = self._masks.get(name)
        if layer is None:
            return
        layer.marks = marks
        if regions is None:
            layer.refresh(extent=False)
            return
        self.redraw_labels(name, regions)

    def redraw_labels(self, name: str, regions: Sequence[tuple[slice, ...]]) -> None:
        """Draw regions of masks again, after they were changed in place."""
        layer = self._masks.get(name)
        if layer is None or layer not in self.model.layers:
            return
        if self.model.dims.ndisplay == 3:
            layer.refresh(extent=False)
            return
        for region in regions:
            planes = zip(region[:-2], self.model.dims.current_step, strict=False)
            if all(part.start <= step < part.stop for part, step in planes):
                layer._accumulate_updated_slice(region)  # PRIVATE
                layer._partial_labels_refresh()  # PRIVATE

    def remove_labels(self, name: str) -> None:
        """Take the layer of that name away, if it is there."""
        layer = self._masks.pop(name, None)
        if layer is not None and layer in self.model.layers:
            self.model.layers.remove(layer)

    def set_active_labels(self, name: str) -> None:
        """Show only the label set of that name, and select it."""
        for shown, layer in self._masks.items():
            # Or napari would draw what is shown already again.
            if layer.visible != (shown == name):
                layer.visible = shown == name
            if layer.visible:
                self.model.layers.selection.active = layer

    def show_comparison(self, picture: npt.NDArray[np.uint8] | None) -> None:
        """Show what became of each cell in place of the masks; None: take it away."""
        put_comparison(self.model, self._masks.values(), self._image, picture)

    def listen(self, listener: MouseHandler) -> None:
        """Tell ``listener`` of the mouse over the image."""
        self._mouse.listener = listener

    def watch(self, watcher: Callable[[MouseEvent, bool], None]) -> None:
        """Tell ``watcher`` of clicks, after the listener, and (False) of moves."""
        self._mouse.watcher = watcher

    def follow_view(self) -> None:
        """Show what belongs to a plane only there, and cells as bodies in 3D."""
        self._lines.hide(self.rendering.on)
        self._recolour()

    def show_line(
        self, name: str, paths: Sequence[npt.NDArray[np.floating]], colour: str
    ) -> None:
        """Draw lines over the image, (N, 2) of Y and X in pixels; none hides them."""
        if self._image is not None:
            self._lines.show(name, paths, self._image.label_scale, colour)

    def set_masks_shown(self, shown: bool) -> None:
        """Fill the cells with their colours, or not."""
        self._masks_shown = shown
        self._recolour()

    def set_outlines(self, outlines: bool) -> None:
        """Outline the cells, or not."""
        self._outlines = outlines
        self._recolour()

    def set_coloured_by_uncertainty(self, by_uncertainty: bool) -> None:
        """Colour the cells by how sure the network is of them, or all differently."""
        self._by_uncertainty = by_uncertainty
        for layer in self._masks.values():
            layer.by_rank = by_uncertainty and layer.ranks is not None
            layer.refresh(extent=False)
        self._recolour()

    def reset_view(self) -> None:
        """Bring all of the image into view."""
        self.model.reset_view()

    def step(self, axis: str, by: int) -> None:
        """Move ``by`` planes along "T" or "Z", as far as there are any."""
        labels = list(self.model.dims.axis_labels)
        if self._image is not None and axis in labels:
            at = labels.index(axis)
            steps = self.model.dims.nsteps[at]
            now = self.model.dims.current_step[at]
            self.model.dims.set_current_step(at, min(max(now + by, 0), int(steps) - 1))

    @property
    def plane(self) -> tuple[int, ...]:
        """Index of the plane that is shown, in the masks."""
        return tuple(int(n) for n in self.model.dims.current_step[:-2])

    @property
    def planes(self) -> dict[str, int]:
        """Which time point and plane are shown, of the axes that there are."""
        axes = list(self.model.dims.axis_labels)
        return {axis: self._current(axis) for axis in "TZ" if axis in axes}

    def set_planes(self, planes: dict[str, int]) -> None:
        """Show a time point and a plane."""
        for axis, n in planes.items():
            self.step(axis, n - self._current(axis))

    def close(self) -> None:
        """Release OpenGL, threads and providers; for the window's closeEvent."""
        from napari.utils.events.event_utils import disconnect_events

        self._providers.cleanup()
        self.model._layer_slicer.shutdown()  # PRIVATE
        disconnect_events(self.model.dims.events, self.model)
        self.model.layers.clear()
        self.widget.close()

    def _add_colours(self, image: ImageSource) -> None:
        self.model.add_image(
            ColourPixels(image),
            name=image.path.name,
            rgb=True,
            metadata={CHANNEL: None},
            **placed(image),
        )

    def _add_channel(self, image: ImageSource, channel: int) -> None:
        pixels = ChannelPixels(image, channel)
        several = image.channels > 1
        self.model.add_image(
            pixels,
            name=image.channel_names[channel] if several else image.path.name,
            colormap=_COLOURS[channel % len(_COLOURS)] if several else "gray",
            blending="additive" if several else "translucent_no_depth",
            contrast_limits=contrast(image, channel),
            multiscale=False,
            metadata={CHANNEL: channel},
            **placed(image),
        )

    def _show_middle_plane(self, image: ImageSource) -> None:
        if image.planes > 1:
            self.step("Z", image.planes // 2 - self._current("Z"))
        self.step("T", -self._current("T"))

    def _current(self, axis: str) -> int:
        labels = list(self.model.dims.axis_labels)
        return self.model.dims.current_step[labels.index(axis)] if axis in labels else 0

    def _rank(self, layer: Any, confidence: Confidence | None) -> None:
        """Tell ``layer`` how sure the network is of its next labels."""
        layer.ranks = None
        if confidence is not None:
            size = int(confidence.ids.max(initial=0)) + 1
            layer.ranks = ranks_of(confidence.ids, confidence.scores, size)
        layer.by_rank = self._by_uncertainty and layer.ranks is not None
        self._recolour_layer(layer)

    def _recolour(self) -> None:
        for layer in self._masks.values():
            self._recolour_layer(layer)

    def _recolour_layer(self, layer: Any) -> None:
        # The picture stays, only its colours change.
        with layer._block_refresh():  # PRIVATE
            layer.colormap = self._colours(layer.by_rank)

    def _colours(self, by_rank: bool = False) -> Any:
        from napari.utils.colormaps import CyclicLabelColormap

        strength = _UNCERTAINTY_FILL if by_rank else _FILL
        fill = strength if self._masks_shown else 0.0
        outline = 1.0 if self._outlines else fill
        if self.rendering.on:
            # The surface of a cell hides what is in it, or is seen through.
            fill = outline = 1.0 if self._masks_shown else _VEIL * self._outlines
        colours = uncertainty_palette() if by_rank else palette()
        table = colour_table(colours, fill=fill, outline=outline)
        return CyclicLabelColormap(colors=table)

    def _on_active(self, event: Any) -> None:
        for name, layer in self._masks.items():
            if layer is event.value:
                self.labels_chosen.emit(name)

    def _on_status(self, event: Any) -> None:
        status = event.value
        if isinstance(status, dict):
            parts = [status.get("layer_name"), status.get("coordinates")]
            status = "  ".join(str(part) for part in parts if part)
        self.status_changed.emit(str(status))
        self.cell_pointed_at.emit(self._cell_under_cursor())

    def _scale(self) -> tuple[float, ...] | None:
        return None if self._image is None else self._image.label_scale

    def _cell_under_cursor(self) -> int:
        """Return the id of the cell of the masks that are shown, 0 for none.

        Also 0 in a 3D view, where a point of the screen is a line in the image.
        """
        if self.model.dims.ndisplay == 2:
            for layer in self._masks.values():
                if layer.visible:
                    value = layer.get_value(self.model.cursor.position, world=True)
                    return int(value or 0)
        return 0
