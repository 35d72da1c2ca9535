"""Keeps a window of the check as it is."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QWidget


class Guard(QObject):
    """Keeps the window of the check open, and its title, until the check ends.

    Whoever closes it has taken it for a window of their own work.
    """

    def __init__(self, window: QWidget, title: str) -> None:
        super().__init__(window)
        self._window = window
        self._title = title
        window.installEventFilter(self)
        window.windowTitleChanged.connect(self._entitle)
        window.setWindowTitle(title)

    def close(self) -> None:
        """Let the window be closed."""
        self._window.removeEventFilter(self)

    def eventFilter(self, _: QObject | None, event: QEvent | None) -> bool:
        """Ignore requests to close the window."""
        if event is None or event.type() != QEvent.Type.Close:
            return False
        event.ignore()
        return True

    def _entitle(self, title: str) -> None:
        if title != self._title:
            self._window.setWindowTitle(self._title)
