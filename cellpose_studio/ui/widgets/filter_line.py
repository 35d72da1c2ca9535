"""Line that filters a list, and gives the keyboard back to it."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QLineEdit, QWidget

_CLEAR = "_q_qlineeditclearaction"
"""Qt's name of the clear button's action."""


class FilterLine(QLineEdit):
    """A line with a clear button, which moves the focus to the list.

    Otherwise the next letters, meant as shortcuts, would be a new filter. Enter does
    not: pressed twice, it would accept a cell.
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

    def _leave(self) -> None:
        if self._list is not None:
            self._list.setFocus()
