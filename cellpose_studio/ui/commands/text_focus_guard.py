"""Keeps keys from shortcuts while a text field, a list or a slider needs them."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

_TEXT_FIELDS = (QLineEdit, QAbstractSpinBox, QTextEdit, QPlainTextEdit)
_KEY, _MODIFIER = Qt.Key, Qt.KeyboardModifier
# These keys type no character, but edit the text or move its cursor.
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
"""With Ctrl, these keys would undo and redo edits of masks."""


_TO_ENDS = {_KEY.Key_Home, _KEY.Key_End}


class TextFocusGuard(QObject):
    """Reserves the keys that type, edit or move the cursor for a focused text field.

    The list of an open combo box gets them, too: Return chooses an entry of it there.
    Other shortcuts remain active: Esc, function keys, and letters with Ctrl or Alt.
    Other lists, tables and sliders get those that go to their ends.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        QApplication.instance().focusChanged.connect(self._on_focus)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Accept the shortcut override of keys for the text field; for Qt."""
        # Qt sends this event first; once accepted, the key reaches no shortcut.
        if event.type() == QEvent.Type.ShortcutOverride and _is_for(watched, event):
            event.accept()
            # The list of a combo box chooses its entry upon this event.
            return not isinstance(watched, QAbstractItemView)
        return bool(super().eventFilter(watched, event))

    def _on_focus(self, old: QWidget | None, new: QWidget | None) -> None:
        # Only the focused field is filtered: a filter on the application would receive
        # every event.
        if old is not None:
            old.removeEventFilter(self)
        if isinstance(new, (*_TEXT_FIELDS, QAbstractItemView, QAbstractSlider)):
            new.installEventFilter(self)


def _is_for(widget: QObject, event: QKeyEvent) -> bool:
    """Return whether a widget needs a key more than the shortcuts do."""
    if isinstance(widget, _TEXT_FIELDS) or _is_open_list(widget):
        return _is_for_text(event)
    if event.modifiers() & ~_MODIFIER.ShiftModifier & ~_MODIFIER.KeypadModifier:
        return False
    return event.key() in _TO_ENDS


def _is_open_list(widget: QObject) -> bool:
    """Return whether a widget is the list of an open combo box."""
    return isinstance(widget, QAbstractItemView) and (
        widget.window().windowType() == Qt.WindowType.Popup
    )


def _is_for_text(event: QKeyEvent) -> bool:
    """Return whether a key types, edits, or moves the cursor."""
    key, held = event.key(), event.modifiers()
    if key in _EDITING:
        return True
    control = bool(held & _MODIFIER.ControlModifier)
    if control or held & (_MODIFIER.AltModifier | _MODIFIER.MetaModifier):
        return control and key in _UNDOING
    # Keys that type no character have the codes from `Key_Escape` on.
    return bool(key < _KEY.Key_Escape)
