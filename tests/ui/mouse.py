"""A mouse over the canvas, in pixels of the image."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from cellpose_studio.ui.window.main_window import MainWindow

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE = Qt.MouseButton.NoButton
Point = tuple[float, float]


class Mouse:
    """Moves, clicks and drags as a hand does; places are Y and X in pixels."""

    def __init__(self, window: MainWindow) -> None:
        self.canvas = window.canvas
        self.native = window.canvas.surface

    def click(
        self,
        place: Point,
        modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
        button: Qt.MouseButton = LEFT,
    ) -> None:
        for event in (QTest.mousePress, QTest.mouseRelease):
            event(self.native, button, modifier, self.on_screen(place))
        QApplication.processEvents()

    def double_click(self, place: Point) -> None:
        self.click(place)
        QTest.mouseDClick(
            self.native, LEFT, Qt.KeyboardModifier.NoModifier, self.on_screen(place)
        )
        QApplication.processEvents()

    def drag(
        self,
        places: Iterable[Point],
        button: Qt.MouseButton = LEFT,
        modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
        """Press at the first place, move through all, and let go at the last."""
        first, *rest = places
        QTest.mousePress(self.native, button, modifier, self.on_screen(first))
        for place in rest:
            self.move(place, button, modifier)
        last = self.on_screen(rest[-1])
        QTest.mouseRelease(self.native, button, modifier, last)
        QApplication.processEvents()

    def move(
        self,
        place: Point,
        button: Qt.MouseButton = NONE,
        modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
        at = self.on_screen(place)
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(at),
            QPointF(self.native.mapToGlobal(at)),
            NONE,
            button,
            modifier,
        )
        QApplication.sendEvent(self.native, event)
        QApplication.processEvents()

    def on_screen(self, place: Point) -> QPoint:
        """Return where a place of the image is on the canvas."""
        ((x, y),) = self.canvas.camera.on_screen([place])
        return QPoint(round(x), round(y))
