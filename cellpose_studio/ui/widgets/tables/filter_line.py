"""Line that filters a list, and gives the keyboard back to it."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QLineEdit, QWidget

_CLEAR = "_q_qlineeditclearaction"
"""Qt's name of the clear button's action."""


class FilterLine(QLineEdit):
    """A line with a clear button, which moves the focus to the list, as Down does.

    Otherwise the next letters, meant as shortcuts, would be a new filter. Enter does
    not: pressed twice, it would accept a cell. Escape clears a filter.
    """

    def __init__(self, name: str, placeholder: str) -> None:
        super().__init__(objectName=name, clearButtonEnabled=True)
        self.setPlaceholderText(placeholder)
        self._list: QWidget | None = None
        clear: Any = self.findChild(QObject, _CLEAR)
        clear.triggered.connect(self._leave)

    def set_list(self, widget: QWidget) -> None:
        """Set the list that is filtered."""
        self._list = widget

    def event(self, event: QEvent | None) -> bool:
        """Claim Escape, which is a shortcut too, for a filter; Qt calls this."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() == Qt.Key.Key_Escape
            and self.text()
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Clear the filter with Escape, and leave it with Down; Qt calls this."""
        key = event.key() if event is not None else None
        if key == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif key == Qt.Key.Key_Down:
            self._leave()
        else:
            super().keyPressEvent(event)

    def _leave(self) -> None:
        if self._list is not None:
            self._list.setFocus()
