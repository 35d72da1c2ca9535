"""An image with its masks on the canvas."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QApplication, QScrollArea, QVBoxLayout, QWidget

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.ui.canvas.appearance import (
    ChannelLook,
    MasksLook,
    channels_shown,
    masks_shown,
)
from cellpose_studio.ui.canvas.camera import Camera
from cellpose_studio.ui.canvas.image_layers import add_image, axis_labels
from cellpose_studio.ui.canvas.lines import Lines
from cellpose_studio.ui.canvas.mask_layers import MaskLayers
from cellpose_studio.ui.canvas.mouse import Mouse
from cellpose_studio.ui.canvas.mouse_event import MouseEvent, MouseHandler
from cellpose_studio.ui.canvas.providers import provide
from cellpose_studio.ui.canvas.rendering import Rendering

_LAYERS = {"inserted", "removed", "visible"}
"""Events of layers after which others are seen."""
_LOOKS = {
    *_LAYERS,
    "blending",
    "colormap",
    "contrast_limits",
    "data",
    "gamma",
    "opacity",
    "reordered",
}
"""Events of layers after which the image or its masks look different."""


class Canvas(QObject):
    """An image with its label sets as layers, and napari's own panels for them.

    Attributes
    ----------
    camera
        What is in view.
    masks
        The layers of the label sets.
    rendering
        The 3D view.
    widget
        All of it, with the sliders of planes, to put into a layout.
    surface
        The part of it that the image is drawn on.
    """

    status_changed = Signal(str)
    cell_pointed_at = Signal(int)  # id in the selected masks, 0 for none
    labels_chosen = Signal(str)  # name of a label set, by a click on its layer
    image_changed = Signal()
    plane_changed = Signal()
    layers_changed = Signal()  # one came, went, was shown or hidden
    looks_changed = Signal()  # that, or colours, contrast, opacity...

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
        self.surface: QWidget = self.widget.canvas.native
        self._providers = provide(self.model)
        self._image: ImageSource | None = None
        self.masks = MaskLayers(self.model)
        view = self.widget.canvas.view  # PRIVATE
        self._mouse = Mouse(self.model, self._scale)
        self._lines = Lines(view.scene)
        self.camera = Camera(self.model, view, self.surface)
        buttons = self.widget.viewerButtons
        self.rendering = Rendering(self.model, buttons.ndisplayButton)
        # The console would import IPython, and could do anything to the layers.
        buttons.consoleButton.hide()
        self._connect()

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

    def show_image(self, image: ImageSource | None) -> None:
        """Show ``image`` in place of whatever was there, all of it in view."""
        self._image = image
        self._lines.clear()
        self.masks.set_image(image)
        self.camera.set_image(image)
        self.model.layers.clear()
        self.rendering.set_image(image)
        self.image_changed.emit()
        if image is None:
            return
        add_image(self.model, image)
        self.model.dims.axis_labels = axis_labels(image)
        self.model.reset_view()
        self._show_middle_plane(image)

    @property
    def image(self) -> ImageSource | None:
        """What is shown."""
        return self._image

    def channels_shown(self) -> list[ChannelLook]:
        """Return the channels of the image that are visible, the lowest first."""
        return channels_shown(self.model.layers)

    def masks_shown(self) -> list[MasksLook]:
        """Return the masks that are visible, the lowest first."""
        return masks_shown(self.model.layers)

    def listen(self, listener: MouseHandler) -> None:
        """Tell ``listener`` of the mouse over the image."""
        self._mouse.listener = listener

    def watch(self, watcher: Callable[[MouseEvent, bool], None]) -> None:
        """Tell ``watcher`` of clicks, after the listener, and (False) of moves."""
        self._mouse.watcher = watcher

    def show_line(
        self, name: str, paths: Sequence[npt.NDArray[np.floating]], colour: str
    ) -> None:
        """Draw lines over the image, (N, 2) of Y and X in pixels; none hides them."""
        if self._image is not None:
            self._lines.show(name, paths, self._image.label_scale, colour)

    def lines(self) -> dict[str, bool]:
        """Return the names of the lines there are, and whether they can be seen."""
        return self._lines.visible()

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

    def _connect(self) -> None:
        model = self.model
        model.events.status.connect(self._on_status)
        model.layers.selection.events.active.connect(self._on_active)
        model.layers.events.connect(self._on_layers)
        model.dims.events.current_step.connect(self._on_plane)
        self.rendering.changed.connect(self._on_rendering)

    def _show_middle_plane(self, image: ImageSource) -> None:
        if image.planes > 1:
            self.step("Z", image.planes // 2 - self._current("Z"))
        self.step("T", -self._current("T"))

    def _current(self, axis: str) -> int:
        labels = list(self.model.dims.axis_labels)
        return self.model.dims.current_step[labels.index(axis)] if axis in labels else 0

    def _scale(self) -> tuple[float, ...] | None:
        return None if self._image is None else self._image.label_scale

    def _on_rendering(self, on: bool) -> None:
        """Show what belongs to a plane only there, and cells as bodies in 3D."""
        self._lines.hide(on)
        self.masks.set_in_3d(on)

    def _on_active(self, event: Any) -> None:
        if (name := self.masks.name_of(event.value)) is not None:
            self.labels_chosen.emit(name)

    def _on_plane(self, _: Any) -> None:
        self.plane_changed.emit()

    def _on_layers(self, event: Any) -> None:
        if event.type in _LAYERS:
            self.layers_changed.emit()
        if event.type in _LOOKS:
            self.looks_changed.emit()

    def _on_status(self, event: Any) -> None:
        status = event.value
        if isinstance(status, dict):
            parts = [status.get("layer_name"), status.get("coordinates")]
            status = "  ".join(str(part) for part in parts if part)
        self.status_changed.emit(str(status))
        # In a 3D view a point of the screen is a line in the image, and no cell.
        flat = self.model.dims.ndisplay == 2
        at = self.model.cursor.position
        self.cell_pointed_at.emit(self.masks.cell_at(at) if flat else 0)
