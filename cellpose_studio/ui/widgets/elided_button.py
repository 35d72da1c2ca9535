"""Button whose text is shortened only as far as the button is too narrow for it."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QPushButton

_PADDING = 20  # px on both sides of the text together
_LEAST = 80  # px; the names of files must not widen a panel


class ElidedButton(QPushButton):
    """Shows the beginning and the end of each line that is longer than the button."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text, objectName=name)
        self._full = text

    def set_full_text(self, text: str) -> None:
        """Set the text, of which the button shows as much as it has room for."""
        self._full = text
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show more or less of the text; Qt calls this."""
        super().resizeEvent(event)
        self._elide()

    def sizeHint(self) -> QSize:
        """Return a size that does not depend on the text; Qt calls this."""
        return QSize(_LEAST, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Return the same size; Qt calls this."""
        return self.sizeHint()

    def _elide(self) -> None:
        middle, width = Qt.TextElideMode.ElideMiddle, self.width() - _PADDING
        if not self.icon().isNull():
            width -= self.iconSize().width()
        shorten = self.fontMetrics().elidedText
        lines = self._full.split("\n")
        self.setText("\n".join(shorten(line, middle, width) for line in lines))
