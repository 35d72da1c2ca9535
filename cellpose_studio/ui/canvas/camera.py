"""What the view shows of the image, and where that is on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QEvent, QObject, Signal
from qtpy.QtWidgets import QWidget

from cellpose_studio.core.images.image import ImageSource

_SMALL, _LARGE, _GOOD = 1 / 14, 1 / 2.5, 1 / 5
"""Parts of the shorter side of the view that a cell takes up at least, at most, and
after the zoom was changed."""

_Array = npt.NDArray[np.float64]


class Camera(QObject):
    """The view of the image that is shown.

    Places are in pixels of the masks, 0 is the middle of the first; sizes on the screen
    are in pixels of ``surface``.

    Parameters
    ----------
    model
        napari's viewer model.
    view
        vispy's view, whose scene the image is in.
    surface
        The widget that the image is drawn on.
    """

    changed = Signal()  # moved, zoomed, or its widget has another size

    def __init__(self, model: Any, view: Any, surface: QWidget) -> None:
        super().__init__()
        self._model = model
        self._view = view
        self._surface = surface
        self._image: ImageSource | None = None
        surface.installEventFilter(self)
        for event in (model.scene.camera.events.zoom, model.scene.camera.events.center):
            event.connect(self._on_moved)

    def set_image(self, image: ImageSource | None) -> None:
        """Take the size of pixels from ``image``."""
        self._image = image

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the size of the widget; for Qt."""
        if event.type() == QEvent.Type.Resize:
            self.changed.emit()
        return bool(super().eventFilter(watched, event))

    @property
    def zoom(self) -> float:
        """Pixels of the screen per unit of the image's scale."""
        return float(self._model.scene.camera.zoom)

    @property
    def center(self) -> tuple[float, float]:
        """Y and X of what is in the middle of the view, in units of the scale."""
        y, x = self._model.scene.camera.center[-2:]
        return float(y), float(x)

    def fit(self) -> None:
        """Bring all of the image into view, from where it is seen now."""
        self._model.fit_to_view()

    def shows_all(self) -> bool:
        """Return whether all of the image is in view, or there is none."""
        if self._image is None:
            return False
        size = np.array(self._image.shape[3:]) * self._image.label_scale[-2:]
        height, width = size * self.zoom
        return bool(height <= self._surface.height() and width <= self._surface.width())

    def part_in_view(self) -> tuple[slice, slice] | None:
        """Return the rows and columns in view; None without any, or in 3D."""
        if self._image is None or self._model.dims.ndisplay != 2:
            return None
        corners = np.array([[0, 0], [self._surface.width(), self._surface.height()]])
        world = self._transform.imap(corners.astype(float))[:, :2]
        ends = world / self._image.label_scale[:-3:-1]
        (left, top), (right, bottom) = np.sort(ends, axis=0)
        height, width = self._image.label_shape[-2:]
        rows = slice(max(int(top), 0), min(int(np.ceil(bottom)) + 1, height))
        columns = slice(max(int(left), 0), min(int(np.ceil(right)) + 1, width))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return None
        return rows, columns

    def on_screen(self, points: npt.ArrayLike) -> _Array:
        """Return where points of a plane are on the screen.

        Parameters
        ----------
        points
            (N, 2), Y and X in pixels of the image.

        Returns
        -------
        (N, 2), x and y in pixels of the widget.
        """
        assert self._image is not None
        places = np.asarray(points, float).reshape(-1, 2)
        world = places[:, ::-1] * self._image.label_scale[:-3:-1]
        placed: _Array = self._transform.map(world)
        return placed[:, :2] / placed[:, 3:]

    def center_on(self, centre: Sequence[float], size: float) -> None:
        """Show the plane that ``centre`` lies in, with it in the middle of the view.

        Parameters
        ----------
        centre
            In pixels along each axis of the masks.
        size
            Of what is to be seen there, in pixels of Y and X.
        """
        assert self._image is not None
        scale = self._image.label_scale
        dims, camera = self._model.dims, self._model.scene.camera
        for axis, at in enumerate(centre[:-2]):
            dims.set_current_step(axis, round(at))
        view = min(self._surface.width(), self._surface.height())
        wanted = zoom_for(size * max(scale[-2:]), view, camera.zoom)
        if wanted != camera.zoom:
            camera.zoom = wanted
        world = np.array(centre) * np.array(scale)
        if dims.ndisplay == 3:
            camera.center = tuple(world[-3:].tolist())
        else:
            camera.center = (*camera.center[:-2], float(world[-2]), float(world[-1]))

    def show_region(self, region: Sequence[slice]) -> None:
        """Show a region of the masks: its plane, and its middle if that is out of view.

        The zoom stays, and so does a view that shows the middle already.
        """
        assert self._image is not None
        dims, camera = self._model.dims, self._model.scene.camera
        for axis, part in enumerate(region[:-2]):
            if not part.start <= dims.current_step[axis] < part.stop:
                dims.set_current_step(axis, (part.start + part.stop - 1) // 2)
        view = np.array([self._surface.height(), self._surface.width()]) / camera.zoom
        middle = np.array([(part.start + part.stop - 1) / 2 for part in region[-2:]])
        world = middle * np.array(self._image.label_scale[-2:])
        if (np.abs(world - camera.center[-2:]) > view / 2).any():
            camera.center = (*camera.center[:-2], *world.tolist())

    def _on_moved(self, _: Any) -> None:
        self.changed.emit()

    @property
    def _transform(self) -> Any:
        return self._view.scene.transform


def zoom_for(size: float, view: float, zoom: float) -> float:
    """Return the zoom at which something of that size is seen well in a view.

    That is the one at present if it will do: a view that jumps in and out from one
    cell to the next tires the eye.
    """
    seen = size * zoom / max(view, 1)
    return zoom if _SMALL <= seen <= _LARGE else _GOOD * view / max(size, 1e-9)
