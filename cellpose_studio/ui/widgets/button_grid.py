"""Buttons, or other controls, in as few rows as their texts allow."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QEvent, QSize
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QGridLayout, QWidget

_GAP = 3  # px


class ButtonGrid(QWidget):
    """One row of buttons, or several where letters are large or the panel is narrow."""

    def __init__(self, buttons: Sequence[QWidget]) -> None:
        super().__init__()
        self._buttons = buttons
        self._columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(_GAP)
        self._arrange(len(buttons))

    @property
    def width_of_one_row(self) -> int:
        """Width of all buttons in one row, px."""
        return sum(map(_width, self._buttons)) + _GAP * (len(self._buttons) - 1)

    def minimumSizeHint(self) -> QSize:
        """Return the size of one column, of the present height; Qt calls this."""
        height = self._grid.minimumSize().height()
        return QSize(max(map(_width, self._buttons)), height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Use the width that there is; Qt calls this."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Follow other letters; Qt calls this."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        number = len(self._buttons)
        columns = next(n for n in range(number, 0, -1) if n == 1 or self._fits(n))
        rows = -(-number // columns)
        # Rows of about one length look better than a last one with one button.
        self._arrange(-(-number // rows))

    def _fits(self, columns: int) -> bool:
        widths = [
            max(map(_width, self._buttons[column::columns]))
            for column in range(columns)
        ]
        return sum(widths) + _GAP * (columns - 1) <= self.width()

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for n, button in enumerate(self._buttons):
            self._grid.addWidget(button, *divmod(n, columns))
        self.updateGeometry()


def _width(button: QWidget) -> int:
    return int(button.minimumSizeHint().width())
