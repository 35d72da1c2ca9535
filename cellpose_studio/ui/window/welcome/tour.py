"""A guided tour of the window, which can be left at any time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from qtpy.QtCore import QEvent, QObject, QPoint, QRect, Qt
from qtpy.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen, QRegion
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.ui.commands.command import QAction, native_keys, plain_text
from cellpose_studio.ui.window.menu_host import MenuHost
from cellpose_studio.ui.window.welcome.stops import STOPS, Stop

_KEY = re.compile(r"\{(\w+)\}")
_DARK = QColor(0, 0, 0, 110)
_LIGHT = QColor(106, 190, 255)
_GAP = 12  # px
_WIDTH = 340


class Tour(QObject):
    """Shows a part of the window after the other.

    Parameters
    ----------
    window
        What is shown.
    parent
        The same as a widget, which the tour lies over.
    actions
        Returns the actions of the commands by name, whose keys are told.
    """

    def __init__(
        self,
        window: MenuHost,
        parent: QWidget,
        actions: Callable[[], Mapping[str, QAction]],
    ) -> None:
        super().__init__(parent)
        self._window = window
        self._parent = parent
        self._actions = actions
        self._veil: _Veil | None = None

    @property
    def bubble(self) -> Bubble | None:
        """What is said at present; None while there is no tour."""
        return None if self._veil is None else self._veil.bubble

    def start(self) -> None:
        """Begin, or begin again."""
        self.end()
        self._at = 0
        self._tab_before = self._window.tabs.currentIndex()
        self._veil = _Veil(self._parent)
        bubble = self._veil.bubble
        bubble.next.clicked.connect(lambda _=False: self._go(1))
        bubble.back.clicked.connect(lambda _=False: self._go(-1))
        bubble.leave.clicked.connect(lambda _=False: self.end())
        self._parent.installEventFilter(self)
        self._veil.show()
        self._show()

    def end(self) -> None:
        """Leave; the tab that was in front before is so again."""
        if self._veil is None:
            return
        self._parent.removeEventFilter(self)
        self._veil.hide()
        self._veil.deleteLater()
        self._veil = None
        self._window.tabs.setCurrentIndex(self._tab_before)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the size of the window; for Qt."""
        if event.type() == QEvent.Type.Resize and self._veil is not None:
            self._show()
        return bool(super().eventFilter(watched, event))

    def _go(self, by: int) -> None:
        self._at += by
        if self._at == len(STOPS):
            self.end()
        else:
            self._show()

    def _show(self) -> None:
        assert self._veil is not None
        stop = STOPS[self._at]
        if stop.tab is not None:
            self._window.tabs.setCurrentWidget(stop.tab(self._window))
        place = stop.place(self._window)
        corner = place.mapTo(self._parent, QPoint(0, 0))
        self._veil.show_stop(
            QRect(corner, place.size()), stop, self._with_keys(stop.text), self._at
        )

    def _with_keys(self, text: str) -> str:
        """Return a text with the present keys of the commands that it names."""
        actions = self._actions()

        def key_of(found: re.Match[str]) -> str:
            action = actions[found[1]]
            # The user may have taken its key away.
            return native_keys(action) or f"“{plain_text(action.text())}” in the menus"

        return _KEY.sub(key_of, text)


class Bubble(QFrame):
    """What is said of a part of the window, with the buttons of the tour."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, objectName="tourBubble")
        self.setFixedWidth(_WIDTH)
        self.title = QLabel(objectName="tourTitle")
        self.text = QLabel(objectName="tourText", wordWrap=True)
        self.leave = QPushButton("Leave", objectName="tourLeave")
        self.back = QPushButton("Back", objectName="tourBack")
        self.next = QPushButton("Next", objectName="tourNext", default=True)
        self.leave.setToolTip("Leave the tour (Esc); the Help menu starts it again.")
        self.back.setToolTip("Go back to the part before.")
        self.next.setToolTip("Go on to the next part, or end after the last.")
        self.count = QLabel(objectName="tourCount")
        row = QHBoxLayout()
        row.addWidget(self.leave)
        row.addStretch()
        row.addWidget(self.count)
        row.addStretch()
        row.addWidget(self.back)
        row.addWidget(self.next)
        column = QVBoxLayout(self)
        column.addWidget(self.title)
        column.addWidget(self.text)
        column.addLayout(row)

    def show_stop(self, title: str, text: str, at: int) -> None:
        """Say something; ``at`` counts the stops from 0."""
        self.title.setText(f"<b>{title}</b>")
        self.text.setText(text)
        self.count.setText(f"{at + 1} of {len(STOPS)}")
        self.back.setEnabled(at > 0)
        self.next.setText("Done" if at + 1 == len(STOPS) else "Next")
        self.setAccessibleName(f"{title}. {text}")
        self.adjustSize()
        self.next.setFocus()


class _Veil(QWidget):
    """Darkens the window but for one part of it, and takes the mouse."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.bubble = Bubble(self)
        self._part = QRect()

    def show_stop(self, part: QRect, stop: Stop, text: str, at: int) -> None:
        """Leave ``part`` light, and say beside it what it is."""
        self.setGeometry(self.parentWidget().rect())
        self.raise_()
        self._part = part.intersected(self.rect())
        self.bubble.show_stop(stop.title, text, at)
        self.bubble.move(self._beside(self._part))
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave with Escape, and keep other keys from the window; for Qt."""
        if event.key() == Qt.Key.Key_Escape:
            self.bubble.leave.click()

    def event(self, event: QEvent | None) -> bool:
        """Take keys before they reach the commands of the window; for Qt."""
        if event is not None and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return bool(super().event(event))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Darken all but the part; for Qt."""
        painter = QPainter(self)
        painter.setClipRegion(QRegion(self.rect()).subtracted(QRegion(self._part)))
        painter.fillRect(self.rect(), _DARK)
        painter.setClipping(False)
        painter.setPen(QPen(_LIGHT, 2))
        painter.drawRect(self._part.adjusted(1, 1, -2, -2))

    def _beside(self, part: QRect) -> QPoint:
        """Return where the bubble has room: right or left of the part, or below."""
        width, height = self.bubble.width(), self.bubble.height()
        if part.right() + _GAP + width < self.width():
            x, y = part.right() + _GAP, part.top() + _GAP
        elif part.left() - _GAP - width > 0:
            x, y = part.left() - _GAP - width, part.top() + _GAP
        else:
            x, y = part.left() + _GAP, part.bottom() + _GAP
        return QPoint(x, max(0, min(y, self.height() - height - _GAP)))
