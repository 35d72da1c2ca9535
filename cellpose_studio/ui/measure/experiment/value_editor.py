"""The line in which a value of the experiment is typed."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QModelIndex
from qtpy.QtGui import QContextMenuEvent, QKeyEvent, QKeySequence
from qtpy.QtWidgets import (
    QApplication,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)


class ValueDelegate(QStyledItemDelegate):
    """Gives a block of values that is pasted while one is typed to the table.

    A line would take it as one text. Spreadsheets fill the cells below and beside.

    Parameters
    ----------
    paste
        Pastes into the table, from its current value on.
    """

    def __init__(self, parent: QWidget, paste: Callable[[], None]) -> None:
        super().__init__(parent)
        self._paste = paste

    def createEditor(
        self, parent: QWidget | None, _: QStyleOptionViewItem, __: QModelIndex
    ) -> QWidget:
        """Return the line for a value; Qt calls this."""
        editor = _ValueLine(parent)
        editor.paste_block = lambda: self._on_block(editor)
        return editor

    def _on_block(self, editor: QLineEdit) -> None:
        # What was typed until now is replaced, as by pasting over it.
        self.closeEditor.emit(editor, QStyledItemDelegate.EndEditHint.RevertModelCache)
        self._paste()


class _ValueLine(QLineEdit):
    paste_block: Callable[[], None]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Paste several values into the table; Qt calls this."""
        if event.matches(QKeySequence.StandardKey.Paste) and _has_block():
            self.paste_block()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Let Paste of the menu do what the key does; Qt calls this."""
        menu = self.createStandardContextMenu()
        paste = next(
            (a for a in menu.actions() if a.objectName() == "edit-paste"), None
        )
        if paste is not None and _has_block():
            paste.triggered.disconnect()
            paste.triggered.connect(lambda: self.paste_block())
        menu.exec(event.globalPos())
        menu.deleteLater()


def _has_block() -> bool:
    text = QApplication.clipboard().text().strip("\r\n")
    return any(sign in text for sign in "\t\r\n")
