"""A view of a stack from the side, with lines where the other planes cut."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from qtpy.QtWidgets import QWidget

from cellpose_studio.core.display.composite import Rgb
from cellpose_studio.ui.widgets.pixmap import qimage_of

LINE = "#4fc3f7"
"""Colour of the lines, on the canvas too."""

_NOTCH = 120  # of a wheel
_FAST = 10  # pixels with Shift
_CLICK = 3  # screen pixels that a hand may move meanwhile


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Where the cut lies on the screen.

    Attributes
    ----------
    start
        Of the axis shared with the canvas: where its first pixel begins.
    along, deep
        Screen pixels per pixel of that axis, and per plane.
    point
        Pixel of that axis and plane where the other planes cut.
    shape
        Pixels of that axis, and planes.
    """

    start: float
    along: float
    deep: float
    point: tuple[int, int]
    shape: tuple[int, int]


class SideView(QWidget):
    """Draws a cut; ``beside`` the canvas, Z goes from left to right, else down."""

    moved = Signal(int, int)  # pixel of the axis shared with the canvas, and plane
    clicked = Signal(int, int)  # the same, of a click that is no drag
    stepped = Signal(int)  # by the wheel, in pixels across the cut

    def __init__(self, name: str, beside: bool) -> None:
        super().__init__()
        self._beside = beside
        self._image = QImage()
        self._frame: Frame | None = None
        self._pressed: QPointF | None = None
        self._turned = 0
        self._depth = 0.0
        self.setAccessibleName(name)
        self.setToolTip(
            f"{name}: click or drag to move the point and the plane; "
            "the wheel moves the cut"
        )

    def show_cut(self, rgb: Rgb | None) -> None:
        """Show (Z, N, RGB), or nothing."""
        if rgb is None:
            self._image = QImage()
        else:
            across = rgb.transpose(1, 0, 2) if self._beside else rgb
            self._image = qimage_of(across)
        self.update()

    def put(self, frame: Frame | None) -> None:
        """Say where the cut lies."""
        self._frame = frame
        # Else what is dragged would move away from under the mouse.
        if frame is not None and self._pressed is None:
            self._depth = self._depth_start(frame)
        self.update()

    def position_of(self, along: float, plane: float) -> QPointF:
        """Return where the middle of a pixel of a plane is drawn."""
        assert self._frame is not None
        frame = self._frame
        x = frame.start + (along + 0.5) * frame.along
        z = self._depth + (plane + 0.5) * frame.deep
        return QPointF(z, x) if self._beside else QPointF(x, z)

    # Qt's own events

    def paintEvent(self, _: QPaintEvent) -> None:
        """Draw the cut and its lines."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), Qt.GlobalColor.black)
        frame = self._frame
        if frame is not None:
            length, depth = frame.shape
            along = (frame.start, length * frame.along)
            deep = (self._depth, depth * frame.deep)
            (x, width), (y, height) = (deep, along) if self._beside else (along, deep)
            if not self._image.isNull():
                painter.drawImage(QRectF(x, y, width, height), self._image)
            painter.setPen(QColor(LINE))
            at = self.position_of(*frame.point)
            painter.drawLine(QPointF(at.x(), y), QPointF(at.x(), y + height))
            painter.drawLine(QPointF(x, at.y()), QPointF(x + width, at.y()))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to move the point."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = _position(event)
            self._tell(self._pressed)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the point."""
        if self._pressed is not None:
            self._tell(_position(event))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Leave the point where it is."""
        if self._pressed is None or event.button() != Qt.MouseButton.LeftButton:
            return
        at, start = _position(event), self._pressed
        self._pressed = None
        if (at - start).manhattanLength() > _CLICK:
            # Moves of a quick hand are left out, the last one too.
            self._tell(at)
        elif self._frame is not None:
            self.clicked.emit(*self._pixel(start, self._frame))
        self.put(self._frame)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Move the cut."""
        # Shift makes some systems turn the wheel sideways.
        turned = event.angleDelta().y() or event.angleDelta().x()
        self._turned += turned
        notches = int(self._turned / _NOTCH)
        self._turned -= notches * _NOTCH
        fast = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if notches:
            self.stepped.emit(notches * (_FAST if fast else 1))
        event.accept()

    def _tell(self, at: QPointF) -> None:
        if self._frame is not None:
            self.moved.emit(*self._pixel(at, self._frame))

    def _pixel(self, at: QPointF, frame: Frame) -> tuple[int, int]:
        """Return the pixel and plane at a position, the nearest ones if outside."""
        z, x = (at.x(), at.y()) if self._beside else (at.y(), at.x())
        along = int((x - frame.start) // frame.along)
        plane = int((z - self._depth) // frame.deep)
        length, depth = frame.shape
        return min(max(along, 0), length - 1), min(max(plane, 0), depth - 1)

    def _depth_start(self, frame: Frame) -> float:
        """Return where the first plane begins: all are in view, or the point is."""
        room = self.width() if self._beside else self.height()
        extent = frame.shape[1] * frame.deep
        if extent <= room:
            return (room - extent) / 2
        middle = room / 2 - (frame.point[1] + 0.5) * frame.deep
        return min(max(middle, room - extent), 0.0)


def _position(event: QMouseEvent) -> QPointF:
    """Return where the mouse is; Qt 5 and 6 call it differently."""
    return event.position() if hasattr(event, "position") else event.localPos()
