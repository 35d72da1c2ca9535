"""A view of a stack from the side, with lines at the other planes."""

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
_CLICK = 3  # screen pixels; a longer move is a drag


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Position of the cut on the screen.

    Attributes
    ----------
    start
        Where the first pixel of the axis shared with the canvas begins, screen pixels.
    along, deep
        Screen pixels per pixel of that axis, and per plane.
    point
        Pixel of that axis, and plane, at which the lines cross.
    shape
        Number of pixels of that axis, and of planes.
    """

    start: float
    along: float
    deep: float
    point: tuple[int, int]
    shape: tuple[int, int]


class SideView(QWidget):
    """Draws a cut; Z runs to the right if it is ``beside`` the canvas, else down."""

    moved = Signal(int, int)  # pixel of the axis shared with the canvas, and plane
    clicked = Signal(int, int)  # the same, for a click without a drag
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
            "turn the wheel to move the cut"
        )

    def show_cut(self, rgb: Rgb | None) -> None:
        """Show a picture (Z, N, RGB), or nothing."""
        if rgb is None:
            self._image = QImage()
        else:
            across = rgb.transpose(1, 0, 2) if self._beside else rgb
            self._image = qimage_of(across)
        self.update()

    def set_frame(self, frame: Frame | None) -> None:
        """Set the position of the cut."""
        self._frame = frame
        # During a drag the depth is kept: the cut would move away under the mouse.
        if frame is not None and self._pressed is None:
            self._depth = self._depth_start(frame)
        self.update()

    def position_of(self, along: float, plane: float) -> QPointF:
        """Return the screen position of the centre of a pixel of a plane."""
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
            self._emit_moved(self._pressed)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the point."""
        if self._pressed is not None:
            self._emit_moved(_position(event))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag, or emit `clicked`."""
        if self._pressed is None or event.button() != Qt.MouseButton.LeftButton:
            return
        at, start = _position(event), self._pressed
        self._pressed = None
        if (at - start).manhattanLength() > _CLICK:
            # Quick moves are skipped, possibly including the last one.
            self._emit_moved(at)
        elif self._frame is not None:
            self.clicked.emit(*self._pixel(start, self._frame))
        # The depth was kept during the drag, and is adjusted now.
        self.set_frame(self._frame)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Move the cut."""
        # With Shift, some systems report a horizontal wheel.
        turned = event.angleDelta().y() or event.angleDelta().x()
        self._turned += turned
        # Touchpads and fine wheels report fractions of a notch, which add up.
        notches = int(self._turned / _NOTCH)
        self._turned -= notches * _NOTCH
        fast = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if notches:
            self.stepped.emit(notches * (_FAST if fast else 1))
        event.accept()

    def _emit_moved(self, at: QPointF) -> None:
        if self._frame is not None:
            self.moved.emit(*self._pixel(at, self._frame))

    def _pixel(self, at: QPointF, frame: Frame) -> tuple[int, int]:
        """Return the pixel and plane at a position, clipped to the image."""
        z, x = (at.x(), at.y()) if self._beside else (at.y(), at.x())
        along = int((x - frame.start) // frame.along)
        plane = int((z - self._depth) // frame.deep)
        length, depth = frame.shape
        return min(max(along, 0), length - 1), min(max(plane, 0), depth - 1)

    def _depth_start(self, frame: Frame) -> float:
        """Return where the first plane begins, so that all planes or the point fit."""
        room = self.width() if self._beside else self.height()
        extent = frame.shape[1] * frame.deep
        if extent <= room:
            return (room - extent) / 2
        middle = room / 2 - (frame.point[1] + 0.5) * frame.deep
        return min(max(middle, room - extent), 0.0)


def _position(event: QMouseEvent) -> QPointF:
    """Return the position of the mouse; its name differs in Qt 5 and 6."""
    return event.position() if hasattr(event, "position") else event.localPos()
