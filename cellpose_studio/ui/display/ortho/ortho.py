"""The canvas with orthogonal side views of the stack beside and below it."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QPoint, Qt, QTimer
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.ui.canvas import Canvas
from cellpose_studio.ui.canvas.mouse_event import LEFT, MouseEvent
from cellpose_studio.ui.canvas.rendering import reason_2d_only
from cellpose_studio.ui.display.ortho.cuts import cut_picture, stretch_of
from cellpose_studio.ui.display.ortho.side_view import LINE, Frame, SideView
from cellpose_studio.ui.display.ortho.stacks import StackCache
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.tools.manager import ToolManager
from cellpose_studio.ui.widgets.units import position_text

_LEAST, _MOST = 120, 0.45
"""Smallest size of a side view, px, and its largest part of the width or height."""
_LINES = "cut"


class OrthoViews(QWidget):
    """The canvas and, on request, two cuts of the stack along Z through a point.

    The point lies in the plane of the canvas, at the last click or the centre of the
    chosen cell. With Shift it follows the mouse.
    """

    def __init__(self, services: Services, canvas: Canvas, tools: ToolManager) -> None:
        super().__init__()
        self._session = services.session
        self._selection = services.selection
        self._canvas = canvas
        self._tools = tools
        self._requested = False
        self._point = (0, 0)
        self._crossed: tuple[int, int] | None = None
        self.stacks = StackCache(services)
        self.beside = SideView("YZ", beside=True)
        self.below = SideView("XZ", beside=False)
        self.corner = QLabel(wordWrap=True, margin=8)
        self._lay_out()
        self._redrawing = self._timer(self._redraw)
        # A pan or zoom only moves the pictures, which need not be drawn again.
        self._placing = self._timer(self._place)
        self._connect()

    @property
    def point(self) -> tuple[int, int, int]:
        """Plane, Y and X of the point, in pixels."""
        return (self._canvas.planes.get("Z", 0), *self._point)

    @property
    def on(self) -> bool:
        """Whether the side views are shown."""
        flat = reason_2d_only(self._canvas.image)
        return self._requested and not flat and not self._canvas.rendering.on

    def set_on(self, on: bool) -> None:
        """Show the side views of stacks, or hide them."""
        self._requested = on
        self._update_visibility()

    def move_to(self, y: int, x: int, z: int | None = None) -> None:
        """Move the point, and the plane that the canvas shows."""
        image = self._canvas.image
        if image is None:
            return
        *_, height, width = image.shape
        self._point = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
        if z is not None:
            self._canvas.set_planes({"Z": z})
        self._redrawing.start()

    # Qt's own events

    def resizeEvent(self, _: QResizeEvent) -> None:
        """Adjust the sizes of the side views; Qt calls this."""
        self._resize_sides()

    # Building

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        grid.addWidget(self._canvas.widget, 0, 0)
        grid.addWidget(self.beside, 0, 1)
        grid.addWidget(self.below, 1, 0)
        grid.addWidget(self.corner, 1, 1)
        grid.setColumnStretch(0, 1)
        grid.setRowStretch(0, 1)
        self.corner.setAlignment(Qt.AlignmentFlag.AlignTop)
        for widget in self._sides:
            widget.hide()

    def _timer(self, call: Any) -> QTimer:
        """Return a timer that combines calls until Qt is idle."""
        timer = QTimer(self, singleShot=True, interval=0)
        timer.timeout.connect(call)
        return timer

    def _connect(self) -> None:
        session, canvas = self._session, self._canvas
        session.masks_changed.connect(self._on_changed)
        session.statuses_changed.connect(self._on_changed)
        canvas.image_changed.connect(self._on_image)
        # The view is not fitted on return from 3D: its position is restored.
        canvas.rendering.changed.connect(lambda on: self._update_visibility(refit=on))
        canvas.set_mouse_observer(self._on_mouse)
        canvas.appearance_changed.connect(self._on_changed)
        canvas.plane_changed.connect(self._on_changed)
        canvas.camera.changed.connect(self._on_camera)
        self.stacks.changed.connect(self._on_changed)
        self._selection.changed.connect(self._on_chosen)
        self.beside.moved.connect(lambda y, z: self.move_to(y, self._point[1], z))
        self.below.moved.connect(lambda x, z: self.move_to(self._point[0], x, z))
        self.beside.clicked.connect(lambda y, z: self._choose(z, y, self._point[1]))
        self.below.clicked.connect(lambda x, z: self._choose(z, self._point[0], x))
        self.beside.stepped.connect(lambda by: self._step(0, by))
        self.below.stepped.connect(lambda by: self._step(by, 0))

    @property
    def _sides(self) -> tuple[QWidget, ...]:
        return self.beside, self.below, self.corner

    # Signals

    def _on_image(self) -> None:
        image = self._canvas.image
        if image is not None:
            self._point = image.shape[3] // 2, image.shape[4] // 2
        self._update_visibility()

    def _update_visibility(self, refit: bool = True) -> None:
        """Show the side views if they are requested and possible, else hide them.

        Parameters
        ----------
        refit
            Fit the image again if all of it was in view, as the canvas is resized.
        """
        fits, shown = self._canvas.camera.shows_all(), not self.beside.isHidden()
        self._resize_sides()
        for widget in self._sides:
            widget.setVisible(self.on)
        self._crossed = None
        if not self.on:
            self._canvas.show_line(_LINES, [], LINE)
        # A 3D rendering hides the views only for a while: the stack is kept, because
        # reading it takes seconds.
        if self._canvas.image is None or not self._requested:
            self.stacks.request(None)
        if refit and fits and shown != self.on:
            # The layout changes first, in the event loop.
            QTimer.singleShot(0, self._canvas.camera.fit)
        self._redrawing.start()

    def _resize_sides(self) -> None:
        """Size the side views so that a fitted image shows the whole stack."""
        image = self._canvas.image
        if not self.on or image is None:
            return
        depth, height, width = np.array(image.shape[2:]) * image.label_scale[-3:]
        wide = _part(self.width(), depth / (depth + width))
        self.beside.setFixedWidth(wide)
        self.corner.setFixedWidth(wide)
        self.below.setFixedHeight(_part(self.height(), depth / (depth + height)))

    def _on_changed(self, *_: object) -> None:
        if self._requested:
            self._redrawing.start()

    def _on_camera(self) -> None:
        if self._requested:
            self._placing.start()

    def _on_mouse(self, event: MouseEvent, clicked: bool) -> None:
        chosen = event.button == LEFT if clicked else "Shift" in event.modifiers
        if self.on and chosen:
            self.move_to(*event.pixel[-2:])

    def _on_chosen(self, cell: int) -> None:
        """Move the point to the centre of a cell; `CellHighlight` shows its plane."""
        image = self._session.shown
        labels = image.masks if image else None
        if not self.on or labels is None or not labels.pixels.loaded:
            return
        table = labels.pixels.cell_table()
        if table.size_of(cell):
            rows, columns = table.box(cell)[-2:]
            self.move_to(
                (rows.start + rows.stop) // 2, (columns.start + columns.stop) // 2
            )

    def _choose(self, z: int, y: int, x: int) -> None:
        """Choose the cell at a clicked position."""
        labels = self._tools.context.labels
        if labels is None or self._tools.mode != "select":
            return
        self._selection.select(int(labels[(*self._canvas.plane[:-1], z, y, x)]))
        self.move_to(y, x, z)

    def _step(self, rows: int, columns: int) -> None:
        y, x = self._point
        self.move_to(y + rows, x + columns)

    # Drawing

    def _redraw(self) -> None:
        image = self._canvas.image
        # While layers are added, napari has fewer axes for a moment.
        if not self.on or image is None:
            return
        if len(self._canvas.plane) != len(image.label_shape) - 2:
            return
        self.stacks.request(image, self._canvas.planes.get("T", 0))
        (y, x), every = self._point, slice(None)
        time, stretch = self._canvas.plane[:-1], stretch_of(image.label_scale[-3:])
        stack = self.stacks.stack
        channels, masks = self._canvas.channels_shown(), self._canvas.masks_shown()
        for view, cut in ((self.beside, (every, every, x)), (self.below, (every, y))):
            view.show_cut(cut_picture(stack, channels, masks, cut, time, stretch))
        # An unchanged cross is not drawn: the canvas would be drawn twice per change.
        if self._crossed != self._point:
            self._canvas.show_line(_LINES, self._cross(image), LINE)
            self._crossed = self._point
        self._describe()
        self._place()

    def _place(self) -> None:
        image = self._canvas.image
        if not self.on or image is None:
            return
        camera, surface = self._canvas.camera, self._canvas.surface
        corner = surface.mapTo(self, QPoint(0, 0))
        z, y, x = self.point
        depth, height, width = image.shape[2:]
        sizes = [size * camera.zoom for size in image.label_scale[-3:]]
        # The image begins half a pixel before the centre of its first pixel.
        top, left = (
            room / 2 - centre * camera.zoom - size / 2
            for room, centre, size in zip(
                (surface.height(), surface.width()),
                camera.center,
                sizes[1:],
                strict=True,
            )
        )
        top += corner.y() - self.beside.y()
        left += corner.x() - self.below.x()
        self.beside.set_frame(
            Frame(
                start=top,
                along=sizes[1],
                deep=sizes[0],
                point=(y, z),
                shape=(height, depth),
            )
        )
        self.below.set_frame(
            Frame(
                start=left,
                along=sizes[2],
                deep=sizes[0],
                point=(x, z),
                shape=(width, depth),
            )
        )

    def _cross(self, image: ImageSource) -> list[Any]:
        """Return lines through the point, from edge to edge of the image."""
        (y, x), (height, width) = self._point, image.shape[3:]
        return [
            np.array([[y, -0.5], [y, width - 0.5]]),
            np.array([[-0.5, x], [height - 0.5, x]]),
        ]

    def _describe(self) -> None:
        image = self._canvas.image
        assert image is not None
        at = dict(zip("zyx", self.point, strict=True))
        position = "\n".join(position_text(image, at))
        self.corner.setText(f"{position}\n\n{self.stacks.state}".strip())


def _part(room: int, share: float) -> int:
    return round(min(max(room * share, _LEAST), room * _MOST))
