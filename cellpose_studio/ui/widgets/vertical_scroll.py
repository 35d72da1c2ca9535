"""An area that scrolls up and down only."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import QScrollArea


class VerticalScroll(QScrollArea):
    """Is never narrower than what is in it, whatever the size of letters is.

    Parameters
    ----------
    least
        Its smallest width, px, if what is in it needs less.
    """

    def __init__(self, name: str = "", least: int = 0) -> None:
        super().__init__(widgetResizable=True, objectName=name)
        self._least = least
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # The controls in it take the keyboard, and it scrolls to them.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def minimumSizeHint(self) -> QSize:
        """Leave room for the content and the scroll bar; Qt calls this."""
        size = super().minimumSizeHint()
        if self.widget() is not None:
            bar = self.verticalScrollBar().sizeHint().width()
            needed = self.widget().minimumSizeHint().width() + bar
            size.setWidth(max(needed, self._least))
        return size

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the content; Qt calls this."""
        if event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self.updateGeometry()
        return bool(super().eventFilter(watched, event))
