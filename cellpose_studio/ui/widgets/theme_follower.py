"""Colours that Qt does not set by itself when the theme changes."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QWidget

_CHANGES = (QEvent.Type.PaletteChange, QEvent.Type.StyleChange)


class ThemeFollower(QObject):
    """Calls ``apply`` now, and when a visible widget has another theme.

    A widget that is hidden takes up the theme when it is shown again. While its window
    is taken apart, items of a plot may be gone already.
    """

    def __init__(self, widget: QWidget, apply: Callable[[], None]) -> None:
        super().__init__(widget)
        self._widget = widget
        self._apply = apply
        widget.installEventFilter(self)
        apply()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look at the events of the widget; Qt calls this."""
        changed = event.type() in _CHANGES and self._widget.isVisible()
        if changed or event.type() == QEvent.Type.Show:
            self._apply()
        return super().eventFilter(watched, event)
