"""Visible region of the image, and its transform to the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QEvent, QObject, QTimer, Signal
from qtpy.QtWidgets import QWidget

from cellpose_studio.core.images.image import ImageSource

_SMALL, _LARGE, _GOOD = 1 / 14, 1 / 2.5, 1 / 5
"""Smallest and largest size of a cell relative to the shorter side of the view, and
the size that a change of the zoom gives it."""

_Array = npt.NDArray[np.float64]


class Camera(QObject):
    """The view of the image that is shown.

    Positions are in pixels of the masks, where 0 is the centre of the first pixel.
    Sizes on the screen are in pixels of ``surface``.

    Parameters
    ----------
    model
        napari's viewer model.
    view
        vispy's view, whose scene contains the image.
    surface
        The widget with the OpenGL context of the canvas.
    """

    changed = Signal()  # after a pan, a zoom, or a resize of the surface

    def __init__(self, model: Any, view: Any, surface: QWidget) -> None:
        super().__init__()
        self._model = model
        self._view = view
        self._surface = surface
        self._image: ImageSource | None = None
        self._fitted: tuple[float, ...] = ()
        # A layout gives the surface several sizes one after the other.
        self._refit = QTimer(self, singleShot=True, interval=0)
        self._refit.timeout.connect(self.fit)
        surface.installEventFilter(self)
        for event in (model.scene.camera.events.zoom, model.scene.camera.events.center):
            event.connect(self._on_moved)

    def set_image(self, image: ImageSource | None) -> None:
        """Use the pixel size and the shape of ``image``."""
        self._image = image

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Fit the image again when the surface is resized; Qt calls this.

        Not after the user, or a command, has moved or zoomed the view.
        """
        if event.type() == QEvent.Type.Resize:
            if self._image is not None and self._is_fitted():
                self._refit.start()
            self.changed.emit()
        return bool(super().eventFilter(watched, event))

    @property
    def zoom(self) -> float:
        """Screen pixels per world unit, the unit of the image's scale."""
        return float(self._model.scene.camera.zoom)

    @property
    def center(self) -> tuple[float, float]:
        """Y and X of the centre of the view, in world units."""
        y, x = self._model.scene.camera.center[-2:]
        return float(y), float(x)

    def fit(self) -> None:
        """Fit the whole image into the view; keep the viewing angle."""
        if self._image is not None:
            self._model.fit_to_view()
            self._fitted = self._state

    def reset(self) -> None:
        """Fit the whole image into the view, seen from the front."""
        self._model.reset_view()
        self._fitted = self._state

    def shows_all(self) -> bool:
        """Return whether the whole image is in view; False without an image."""
        if self._image is None:
            return False
        size = np.array(self._image.shape[3:]) * self._image.label_scale[-2:]
        height, width = size * self.zoom
        return bool(height <= self._surface.height() and width <= self._surface.width())

    def part_in_view(self) -> tuple[slice, slice] | None:
        """Return the rows and columns in view; None if there are none, or in 3D."""
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

    def shows_well(self, box: Sequence[slice]) -> bool:
        """Return whether all of a box is in view, at a zoom that suits its size.

        Parameters
        ----------
        box
            Rows and columns, in pixels of the masks.
        """
        part = self.part_in_view()
        if part is None or self._image is None:
            return False
        inside = all(
            whole.start <= one.start and one.stop <= whole.stop
            for whole, one in zip(part, box, strict=True)
        )
        size = max(one.stop - one.start for one in box)
        return inside and self._zoom_for(size) == self.zoom

    def on_screen(self, points: npt.ArrayLike) -> _Array:
        """Transform points of a plane to positions on the screen.

        Parameters
        ----------
        points
            (N, 2), Y and X in pixels of the image.

        Returns
        -------
        (N, 2), x and y in pixels of the widget.
        """
        assert self._image is not None
        positions = np.asarray(points, float).reshape(-1, 2)
        # vispy has x before y, the image has Y before X.
        world = positions[:, ::-1] * self._image.label_scale[:-3:-1]
        mapped: _Array = self._transform.map(world)
        # vispy returns homogeneous coordinates.
        return mapped[:, :2] / mapped[:, 3:]

    def center_on(self, centre: Sequence[float], size: float) -> None:
        """Show the plane of ``centre`` and move it into the centre of the view.

        Parameters
        ----------
        centre
            Position in pixels, along each axis of the masks.
        size
            Size of the object at ``centre``, in pixels of Y and X; sets the zoom.
        """
        assert self._image is not None
        scale = self._image.label_scale
        dims, camera = self._model.dims, self._model.scene.camera
        for axis, at in enumerate(centre[:-2]):
            dims.set_current_step(axis, round(at))
        zoom = self._zoom_for(size)
        if zoom != camera.zoom:
            camera.zoom = zoom
        world = np.array(centre) * np.array(scale)
        if dims.ndisplay == 3:
            camera.center = tuple(world[-3:].tolist())
        else:
            camera.center = (*camera.center[:-2], float(world[-2]), float(world[-1]))

    def show_region(self, region: Sequence[slice]) -> None:
        """Show the plane of a region of the masks; pan if its centre is out of view.

        A 3D rendering turns about the region from then on. The zoom does not change.
        """
        assert self._image is not None
        dims, camera = self._model.dims, self._model.scene.camera
        for axis, part in enumerate(region[:-2]):
            # A 3D rendering returns to its plane.
            if axis in dims.displayed:
                continue
            if not part.start <= dims.current_step[axis] < part.stop:
                dims.set_current_step(axis, (part.start + part.stop - 1) // 2)
        view = np.array([self._surface.height(), self._surface.width()]) / camera.zoom
        middle = np.array([(part.start + part.stop - 1) / 2 for part in region])
        world = middle * np.array(self._image.label_scale)
        if dims.ndisplay == 3:
            # In perspective, what is in view depends on the depth: always pan.
            camera.center = tuple(world[-3:].tolist())
        elif (np.abs(world[-2:] - camera.center[-2:]) > view / 2).any():
            camera.center = (*camera.center[:-2], *world[-2:].tolist())

    def _zoom_for(self, size: float) -> float:
        assert self._image is not None
        view = min(self._surface.width(), self._surface.height())
        return zoom_for(size * max(self._image.label_scale[-2:]), view, self.zoom)

    @property
    def _state(self) -> tuple[float, ...]:
        """Zoom and centre of the view, which tell whether it was moved."""
        camera = self._model.scene.camera
        return (self._model.dims.ndisplay, camera.zoom, *camera.center[-2:])

    def _is_fitted(self) -> bool:
        """Return whether the view is as the last fit has left it."""
        return bool(self._fitted) and np.allclose(self._state, self._fitted)

    def _on_moved(self, _: Any) -> None:
        self.changed.emit()

    @property
    def _transform(self) -> Any:
        return self._view.scene.transform


def zoom_for(size: float, view: float, zoom: float) -> float:
    """Return a zoom at which an object of a size is well visible in a view.

    The current zoom is kept if it is suitable: a view that jumps in and out from one
    cell to the next tires the eye.

    Parameters
    ----------
    size
        Of the object, in world units.
    view
        Shorter side of the view, in screen pixels.
    zoom
        The current one, in screen pixels per world unit.
    """
    part = size * zoom / max(view, 1)
    return zoom if _SMALL <= part <= _LARGE else _GOOD * view / max(size, 1e-9)
