"""F1 in a dialog opens the page about it, as F1 in the window that about the tab."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QApplication, QDialog, QShortcut, QWidget

from cellpose_studio.ui.window.help.guide import DIALOGS, open_page

_DONE = "opensGuide"
"""Property of a dialog that has the key."""


class GuideKey(QObject):
    """Gives dialogs the key when they first get the keyboard.

    Parameters
    ----------
    tell
        Called with a sentence if a page cannot be opened.
    """

    def __init__(self, parent: QObject, tell: Callable[[str], object]) -> None:
        super().__init__(parent)
        self._tell = tell
        QApplication.instance().focusChanged.connect(self._on_focus)

    def _on_focus(self, _: QWidget | None, control: QWidget | None) -> None:
        dialog = control.window() if control is not None else None
        page = DIALOGS.get(type(dialog).__name__)
        if page is None or not isinstance(dialog, QDialog) or dialog.property(_DONE):
            return
        dialog.setProperty(_DONE, True)
        key = QShortcut(QKeySequence("F1"), dialog)
        key.activated.connect(lambda: self._open(page))

    def _open(self, page: str) -> None:
        if hindered := open_page(page):
            self._tell(hindered)
