"""An image with its masks on the canvas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget

from cellpose_studio.app.images.large_images import LargeImages
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.ui.canvas.appearance import (
    ChannelAppearance,
    MasksAppearance,
    channels_shown,
    masks_shown,
)
from cellpose_studio.ui.canvas.camera import Camera
from cellpose_studio.ui.canvas.channels import Channels
from cellpose_studio.ui.canvas.image_layers import add_image
from cellpose_studio.ui.canvas.layers.large_image import LargeLayers
from cellpose_studio.ui.canvas.lines import JoinedPaths, Lines, Path
from cellpose_studio.ui.canvas.mask_layers import MaskLayers
from cellpose_studio.ui.canvas.mouse import Mouse
from cellpose_studio.ui.canvas.mouse_event import MouseEvent, MouseHandler
from cellpose_studio.ui.canvas.pictures import NetworkPicture
from cellpose_studio.ui.canvas.rendering import Rendering
from cellpose_studio.ui.canvas.viewer.frames import Frames, give_view_the_mouse
from cellpose_studio.ui.canvas.viewer.napari_parts import load_opengl
from cellpose_studio.ui.canvas.viewer.new_viewer import new_viewer
from cellpose_studio.ui.canvas.viewer.scale_bar import ScaleBar
from cellpose_studio.ui.canvas.viewer.theme import set_theme
from cellpose_studio.ui.widgets.units import position_text

_LAYERS = {"inserted", "removed", "visible"}
"""Events of the layer list after which other layers are visible."""
_APPEARANCE = {
    *_LAYERS,
    "blending",
    "colormap",
    "contrast_limits",
    "data",
    "gamma",
    "opacity",
    "reordered",
}
"""Events of layers after which the image or its masks have another appearance."""


class Canvas(QObject):
    """An image with its label sets as layers.

    Attributes
    ----------
    camera
        The visible region of the image.
    channels
        The channels of the image.
    masks
        The layers of the label sets.
    picture
        The picture of flows or cell probability in place of the channels.
    prepared
        The picture of what a network will see.
    rendering
        The 3D view.
    scale_bar
        The scale bar.
    widget
        The canvas with the sliders of its axes, to put into a layout.
    surface
        The part of it that the image is drawn on, with the OpenGL context.

    Parameters
    ----------
    large
        Pixels of large images.
    """

    status_changed = Signal(str)
    cell_pointed_at = Signal(int)  # id in the visible masks, 0 for none
    image_changed = Signal()
    plane_changed = Signal()
    layers_changed = Signal()  # one was added, removed, shown or hidden
    appearance_changed = Signal()  # as above, or colours, contrast, opacity, …
    legend_changed = Signal()  # lines with a meaning, or statuses of cells
    failed = Signal(Exception)  # pixels of a large image cannot be read

    def __init__(self, theme: str, large: LargeImages) -> None:
        super().__init__()
        self.model, self.widget = new_viewer(theme)
        self.surface: QWidget = self.widget.canvas.native
        self.surface.setAccessibleName("Image with its masks")
        self._image: ImageSource | None = None
        self._large = large
        self._large_layers: LargeLayers | None = None
        frames = Frames(self.widget.canvas._scene_canvas)  # PRIVATE
        give_view_the_mouse(self.widget.canvas)
        self.masks = MaskLayers(self.model, frames, large)
        self.masks.marked = self.legend_changed.emit
        view = self.widget.canvas.view  # PRIVATE
        self._mouse = Mouse(self.model, self._scale)
        self._mouse.receive_all_moves(self.widget.canvas)
        self._pointed = False
        self._lines = Lines(view.scene)
        self.camera = Camera(self.model, view, self.surface)
        self.channels = Channels(self.model)
        self.picture = NetworkPicture(self.model, "Picture of the network")
        self.prepared = NetworkPicture(self.model, "Prepared input")
        self.rendering = Rendering(self.model)
        self.scale_bar = ScaleBar(self.model, self.widget)
        self._connect()

    def set_theme(self, theme: str) -> None:
        """Set napari's theme of the canvas."""
        set_theme(self.model, theme)

    def show_image(self, image: ImageSource | None) -> None:
        """Replace the layers by those of ``image`` and fit the view; None clears."""
        self._image = image
        if self._large_layers is not None:
            self._large_layers.close()
            self._large_layers = None
        self._lines.clear()
        self.masks.set_image(image)
        self.camera.set_image(image)
        # The selection would keep its layer alive beyond the garbage collection of
        # napari, which follows the removal of the layers.
        self.model.layers.selection.clear()
        self.channels.set_image(None)
        self.model.layers.clear()
        self.picture.set_image(image)
        self.prepared.set_image(image)
        self.rendering.set_image(image)
        # At this moment nothing of either image is on the canvas, so that listeners can
        # free the objects of the previous one.
        self.image_changed.emit()
        if image is None:
            return
        if (large := self._large.of(image)) is not None:
            large.failed.connect(self._on_large_failed)
            told = self.channels.changed.emit
            self._large_layers = LargeLayers(self.model, large, told)
        else:
            add_image(self.model, image)
        self.model.dims.axis_labels = [*image.label_axes]
        self.camera.reset()
        self._show_middle_plane(image)
        if self._large_layers is not None:
            self._large_layers.show()
        self.channels.set_image(image, self._large_layers)

    @property
    def image(self) -> ImageSource | None:
        """The image that is shown."""
        return self._image

    def channels_shown(self) -> list[ChannelAppearance]:
        """Return the channels of the image that are visible, bottom first."""
        return channels_shown(self.model.layers)

    def masks_shown(self) -> list[MasksAppearance]:
        """Return the masks that are visible, bottom first."""
        self.masks.recolour()
        return masks_shown(self.model.layers)

    def set_mouse_handler(self, handler: MouseHandler) -> None:
        """Set the receiver of all mouse events over the image."""
        self._mouse.handler = handler

    def set_mouse_observer(self, observer: Callable[[MouseEvent, bool], None]) -> None:
        """Set a function to call after the handler; True is a click, False a move."""
        self._mouse.observer = observer

    @property
    def reach(self) -> float:
        """Tolerance of a click at the present zoom, in pixels of the image."""
        return self._mouse.reach

    def show_line(
        self,
        name: str,
        paths: Sequence[Path] | JoinedPaths,
        colour: str,
        meaning: str = "",
    ) -> None:
        """Draw lines over the image, (N, 2), Y and X in pixels; no paths hide them.

        What the colour means is in the legend, if it is given.
        """
        if self._image is not None:
            self._lines.show(name, paths, self._image.label_scale, colour, meaning)
            if meaning:
                self.legend_changed.emit()

    def line_meanings(self) -> list[tuple[str, str]]:
        """Return what lines that are visible mean, with their colours."""
        return self._lines.meanings()

    def prepare_line(self, name: str, colour: str) -> None:
        """Do what takes longest of the first `show_line`."""
        self._lines.create(name, colour)

    def load_ahead(self) -> None:
        """Load what the first masks and volumes would wait for; thread-safe."""
        self.masks.warm_up()
        load_opengl()

    def renderer(self) -> str:
        """Return the OpenGL renderer's own name; empty if there is none."""
        from vispy.gloo import gl

        self.surface.makeCurrent()
        return str(gl.glGetParameter(gl.GL_RENDERER) or "")

    def lines(self) -> dict[str, bool]:
        """Return whether each line is visible, by name."""
        return self._lines.visible()

    def reset_view(self) -> None:
        """Fit the whole image into the view, seen from the front."""
        self.camera.reset()

    def step(self, axis: str, by: int) -> None:
        """Move ``by`` steps along "T" or "Z", within the image."""
        if axis in self._axes:
            at = self._axes.index(axis)
            steps = self.model.dims.nsteps[at]
            now = self.model.dims.current_step[at]
            self.model.dims.set_current_step(at, min(max(now + by, 0), int(steps) - 1))

    @property
    def plane(self) -> tuple[int, ...]:
        """Index in the masks of the plane that is shown."""
        return tuple(int(n) for n in self.model.dims.current_step[:-2])

    @property
    def planes(self) -> dict[str, int]:
        """Indices of the time point "T" and plane "Z" shown, of the existing axes."""
        return {axis: self._current(axis) for axis in "TZ" if axis in self._axes}

    def set_planes(self, planes: dict[str, int]) -> None:
        """Show a time point and a plane, by axis as in `planes`."""
        for axis, n in planes.items():
            self.step(axis, n - self._current(axis))

    def close(self) -> None:
        """Release OpenGL and threads; call in the window's closeEvent."""
        from napari.utils.events.event_utils import disconnect_events

        if self._large_layers is not None:
            self._large_layers.close()
        self.model._layer_slicer.shutdown()  # PRIVATE
        disconnect_events(self.model.dims.events, self.model)
        self.model.layers.clear()
        self.widget.close()

    def _connect(self) -> None:
        model = self.model
        # napari's own text is about layers, and its positions depend on the axes.
        model.cursor.events.position.disconnect(model.update_status_from_cursor)
        model.cursor.events.position.connect(self._on_cursor)
        # napari updates the layers at both events of a new plane. That of the step also
        # comes when napari moves the point into the range of other layers.
        model.dims.events.point.disconnect(model._update_layers)  # PRIVATE
        # The list passes on the events of its layers, such as a new contrast.
        model.layers.events.connect(self._on_layers)
        model.dims.events.current_step.connect(self._on_plane)
        self.rendering.changed.connect(self._on_rendering)

    def _show_middle_plane(self, image: ImageSource) -> None:
        if image.planes > 1:
            self.step("Z", image.planes // 2 - self._current("Z"))
        self.step("T", -self._current("T"))

    def _current(self, axis: str) -> int:
        if axis not in self._axes:
            return 0
        return int(self.model.dims.current_step[self._axes.index(axis)])

    @property
    def _axes(self) -> str:
        """Letters of the axes of the image, whatever napari calls them."""
        axes = "" if self._image is None else self._image.label_axes
        # While layers are added, napari has fewer axes for a moment.
        return axes if len(axes) == self.model.dims.ndim else ""

    def _scale(self) -> tuple[float, ...] | None:
        return None if self._image is None else self._image.label_scale

    def _on_large_failed(self, error: Exception) -> None:
        self.failed.emit(error)

    def _on_rendering(self, on: bool) -> None:
        """Hide the lines, which belong to a plane, and show cells as surfaces in 3D."""
        self._lines.hide(on)
        self.masks.set_in_3d(on)

    def _on_plane(self, _: Any) -> None:
        self.plane_changed.emit()
        self.point_again()

    def _on_layers(self, event: Any) -> None:
        if event.type in _LAYERS:
            self.layers_changed.emit()
        if event.type in _APPEARANCE:
            self.appearance_changed.emit()

    def _on_cursor(self, _: Any) -> None:
        self._pointed = True
        self.point_again()

    def point_again(self) -> None:
        """Emit the position and the cell under the pointer, which may have changed."""
        if not self._pointed:
            return
        at = self.model.cursor.position
        image, axes = self._image, self.model.dims.ndim
        # While layers are replaced, napari has other axes than the image for a moment.
        known = image is not None and len(at) == axes == len(image.label_shape)
        # In 3D a point of the screen is a ray through the image, which has no one cell.
        flat = known and self.model.dims.ndisplay == 2
        self.status_changed.emit(self._describe(at) if flat else "")
        self.cell_pointed_at.emit(self.masks.cell_at(at) if flat else 0)

    def _describe(self, at: Sequence[float]) -> str:
        """Return the pixel at a position in world units, and its values."""
        assert self._image is not None
        scale = self._image.label_scale
        pixels = [round(p / size) for p, size in zip(at, scale, strict=True)]
        shape = self._image.label_shape
        if not all(0 <= n < size for n, size in zip(pixels, shape, strict=True)):
            return ""
        axes = self._image.label_axes.lower()
        parts = position_text(self._image, dict(zip(axes, pixels, strict=True)))
        for name, value in self.channels.values_at(at):
            text = ", ".join(f"{number:.6g}" for number in np.ravel(value))
            parts.append(f"{name}: {text}")
        return "  ·  ".join(parts)
