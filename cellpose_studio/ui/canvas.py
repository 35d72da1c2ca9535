"""The napari canvas. The only file that knows napari.

Private names of napari are marked PRIVATE: check them on each upgrade.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QApplication, QScrollArea, QVBoxLayout, QWidget

from cellpose_studio.core.image import ChannelPixels, ColourPixels, ImageSource

_COLOURS = ("green", "magenta", "cyan", "yellow", "red", "blue")
_OPACITY = 0.5


def isolate_napari(config: Path | None) -> None:
    """Give napari a settings file of ours, or none; before napari is imported.

    It reads ``NAPARI_CONFIG`` once. An empty one keeps the settings in memory.
    """
    os.environ["NAPARI_CONFIG"] = str(config or "")


class Canvas(QObject):
    """An image with its label sets as layers, and napari's own panels for them."""

    status_changed = Signal(str)

    def __init__(self, theme: str) -> None:
        super().__init__()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "System theme detection")  # Qt 5 only
            from napari.components import ViewerModel
            from napari.qt import QtViewer, get_qapp

            # Registers the search paths of napari's icons.
            get_qapp()

        class Viewer(QtViewer):  # type: ignore[misc]
            def dragEnterEvent(self, event: Any) -> None:  # noqa: N802
                """Leave dropped files to the window, or napari's plugins open them."""
                event.ignore()

        self.model = ViewerModel(title="Cellpose Studio")
        self.model.theme = theme
        # In µm, or in pixels where their size is not known.
        self.model.scale_bar.visible = True
        self.widget = Viewer(self.model)
        self._providers = _provide(self.model)
        self._outlines = False
        self._masks_shown = True
        self._image: ImageSource | None = None
        self.model.events.status.connect(self._on_status)

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

    def show_image(self, image: ImageSource | None) -> None:
        """Show ``image`` in place of whatever was there, all of it in view."""
        self._image = image
        self.model.layers.clear()
        if image is None:
            return
        if image.rgb:
            self._add_colours(image)
        else:
            for channel in range(image.channels):
                self._add_channel(image, channel)
        self._name_axes(image)
        self.model.reset_view()
        self._show_middle_plane(image)

    def show_labels(self, name: str, labels: npt.NDArray[np.uint32]) -> None:
        """Show masks over the image, replacing the layer of that name."""
        if name in self.model.layers:
            layer = self.model.layers[name]
            layer.data = labels
            layer._reset_history()  # PRIVATE: assigning data keeps stale strokes
            return
        assert self._image is not None
        layer = self.model.add_labels(
            labels, name=name, opacity=_OPACITY, **_placed(self._image)
        )
        # Masks change by runs and thresholds here; a stray stroke would be lost.
        layer.editable = False
        layer.contour = int(self._outlines)
        layer.visible = self._masks_shown

    def remove_labels(self, name: str) -> None:
        """Take the layer of that name away, if it is there."""
        if name in self.model.layers:
            self.model.layers.remove(name)

    def set_active_labels(self, name: str) -> None:
        """Show only the label set of that name, and select it."""
        for layer in self._label_layers():
            layer.visible = self._masks_shown and layer.name == name
            if layer.name == name:
                self.model.layers.selection.active = layer

    def set_masks_shown(self, shown: bool) -> None:
        """Show or hide the masks of the selected label set."""
        self._masks_shown = shown
        active = self.model.layers.selection.active
        layers = self._label_layers()
        for layer in layers:
            layer.visible = shown and (layer is active or active not in layers)

    def set_outlines(self, outlines: bool) -> None:
        """Show outlines instead of filled masks."""
        self._outlines = outlines
        for layer in self._label_layers():
            layer.contour = int(outlines)

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
            ColourPixels(image), name=image.path.name, rgb=True, **_placed(image)
        )

    def _add_channel(self, image: ImageSource, channel: int) -> None:
        pixels = ChannelPixels(image, channel)
        several = image.channels > 1
        self.model.add_image(
            pixels,
            name=image.channel_names[channel] if several else image.path.name,
            colormap=_COLOURS[channel % len(_COLOURS)] if several else "gray",
            blending="additive" if several else "translucent_no_depth",
            contrast_limits=_contrast(image, channel),
            multiscale=False,
            **_placed(image),
        )

    def _name_axes(self, image: ImageSource) -> None:
        axes = [a for a, n in zip("TZ", (image.frames, image.planes), strict=True) if n > 1]
        self.model.dims.axis_labels = [*axes, "Y", "X"]

    def _show_middle_plane(self, image: ImageSource) -> None:
        if image.planes > 1:
            self.step("Z", image.planes // 2 - self._current("Z"))
        self.step("T", -self._current("T"))

    def _current(self, axis: str) -> int:
        labels = list(self.model.dims.axis_labels)
        return self.model.dims.current_step[labels.index(axis)] if axis in labels else 0

    def _label_layers(self) -> list[Any]:
        from napari.layers import Labels

        return [layer for layer in self.model.layers if isinstance(layer, Labels)]

    def _on_status(self, event: Any) -> None:
        status = event.value
        if isinstance(status, dict):
            parts = [status.get("layer_name"), status.get("coordinates")]
            status = "  ".join(str(part) for part in parts if part)
        self.status_changed.emit(str(status))


def _placed(image: ImageSource) -> dict[str, Any]:
    """Return where the layers of ``image`` lie in space."""
    known = image.pixel_size_um[1] is not None
    axes = len(image.label_shape)
    frames = image.frames > 1
    units = ["pixel"] * frames + ["um" if known else "pixel"] * (axes - frames)
    return {"scale": image.label_scale, "units": units}


def _provide(model: Any) -> Any:
    """Let napari's commands find this viewer; they only look for its own window.

    Without, its buttons (home, 2D/3D) and the menu of its layer list raise.
    """
    from napari._app_model import get_app_model  # PRIVATE
    from napari.components import LayerList, ViewerModel
    from napari.layers import Layer
    from napari.utils.events import Selection

    return get_app_model().injection_store.register(
        providers=[
            (lambda: model, ViewerModel, 100),
            (lambda: model.layers, LayerList, 100),
            (lambda: model.layers.selection.active, Layer, 100),
            (lambda: model.layers.selection, Selection[Layer], 100),
        ]
    )


def _contrast(image: ImageSource, channel: int) -> tuple[float, float]:
    """Return limits that show most of the middle plane; a few pixels may be cut."""
    plane = image.plane(0, channel, image.planes // 2)
    every = max(1, max(plane.shape) // 1024)
    low, high = np.percentile(plane[::every, ::every], (0.1, 99.9))
    return (float(low), float(high)) if low < high else (float(low), float(low) + 1)
