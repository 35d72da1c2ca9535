"""Keeps keys of the menus from acting while a text field has the focus."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

_TEXT_FIELDS = (QLineEdit, QAbstractSpinBox, QTextEdit, QPlainTextEdit)
_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class TextGuard(QObject):
    """Gives Enter to the text field that has the focus.

    Qt's fields claim all keys that type or delete something, but not this one.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        QApplication.instance().focusChanged.connect(self._on_focus)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Claim the key before a menu gets it; for Qt."""
        if event.type() == QEvent.Type.ShortcutOverride and event.key() in _KEYS:
            event.accept()
            return True
        return bool(super().eventFilter(watched, event))

    def _on_focus(self, before: QWidget | None, now: QWidget | None) -> None:
        if isinstance(before, _TEXT_FIELDS):
            before.removeEventFilter(self)
        if isinstance(now, _TEXT_FIELDS):
            now.installEventFilter(self)
