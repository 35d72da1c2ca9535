"""Keeps keys of the menus from acting while a text field has the focus."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

_TEXT_FIELDS = (QLineEdit, QAbstractSpinBox, QTextEdit, QPlainTextEdit)
_KEY, _MODIFIER = Qt.Key, Qt.KeyboardModifier
_EDITING = {
    _KEY.Key_Return,
    _KEY.Key_Enter,
    _KEY.Key_Backspace,
    _KEY.Key_Delete,
    _KEY.Key_Insert,
    _KEY.Key_Home,
    _KEY.Key_End,
    _KEY.Key_Left,
    _KEY.Key_Right,
    _KEY.Key_Up,
    _KEY.Key_Down,
    _KEY.Key_PageUp,
    _KEY.Key_PageDown,
}
_UNDOING = {_KEY.Key_Z, _KEY.Key_Y}
"""With Ctrl, where they would do something to the masks."""


class TextFocusGuard(QObject):
    """Gives the text field that has the focus all keys that type, edit or move.

    Others may act: Esc, function keys, and letters with Ctrl or Alt.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        QApplication.instance().focusChanged.connect(self._on_focus)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Claim the key before a menu gets it; for Qt."""
        if event.type() == QEvent.Type.ShortcutOverride and _is_for_text(event):
            event.accept()
            return True
        return bool(super().eventFilter(watched, event))

    def _on_focus(self, before: QWidget | None, now: QWidget | None) -> None:
        if isinstance(before, _TEXT_FIELDS):
            before.removeEventFilter(self)
        if isinstance(now, _TEXT_FIELDS):
            now.installEventFilter(self)


def _is_for_text(event: QKeyEvent) -> bool:
    key, held = event.key(), event.modifiers()
    if key in _EDITING:
        return True
    control = bool(held & _MODIFIER.ControlModifier)
    if control or held & (_MODIFIER.AltModifier | _MODIFIER.MetaModifier):
        return control and key in _UNDOING
    # Qt numbers the keys that give no character from here on.
    return bool(key < _KEY.Key_Escape)
