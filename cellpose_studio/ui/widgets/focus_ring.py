"""A ring around the control that has the keyboard, in every window."""

from __future__ import annotations

from contextlib import suppress

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QPainter, QPaintEvent, QPen, QRegion
from qtpy.QtWidgets import QApplication, QWidget

_WIDTH = 2  # px


class FocusRing(QWidget):
    """A ring along the edge of one control.

    Style sheets could draw a border instead, but not without moving the text in it, and
    for each kind of control apart. Qt's own frame lies below the neighbours.
    """

    def __init__(self, control: QWidget) -> None:
        super().__init__(control, objectName="focusRing")
        self._control = control
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        control.installEventFilter(self)
        self._fit()
        self.show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the size of the control; Qt calls this."""
        if event.type() == QEvent.Type.Resize:
            self._fit()
        return bool(super().eventFilter(watched, event))

    def paintEvent(self, _: QPaintEvent) -> None:
        """Draw the ring in the colour of texts; Qt calls this."""
        painter = QPainter(self)
        # Half of the pen lies outside.
        painter.setPen(QPen(self.palette().windowText().color(), 2 * _WIDTH))
        painter.drawRect(self.rect())

    def _fit(self) -> None:
        self.setGeometry(self._control.rect())
        inside = self.rect().adjusted(_WIDTH, _WIDTH, -_WIDTH, -_WIDTH)
        # What is inside need not be drawn again, and gets the mouse in any case.
        self.setMask(QRegion(self.rect()).subtracted(QRegion(inside)))
        self.raise_()


class FocusRings(QObject):
    """Puts the ring around whatever gets the keyboard."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._ring: FocusRing | None = None
        QApplication.instance().focusChanged.connect(self._on_focus)

    def _on_focus(self, _: QWidget | None, control: QWidget | None) -> None:
        ring, self._ring = self._ring, None
        if ring is not None:
            # It may have gone together with its control.
            with suppress(RuntimeError):
                ring.hide()
                ring.deleteLater()
        if control is not None and not control.isWindow():
            self._ring = FocusRing(control)
