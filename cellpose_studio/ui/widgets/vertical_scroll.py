"""An area that scrolls up and down only."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QScrollArea,
    QScrollBar,
)

_VALUES = (QAbstractSlider, QAbstractSpinBox, QComboBox)


class VerticalScroll(QScrollArea):
    """Is never narrower than what is in it, whatever the size of letters is.

    The wheel of the mouse scrolls, also over controls with a value: it changes only a
    number that has the keyboard. Settings would change unseen otherwise.

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

    def showEvent(self, event: QShowEvent) -> None:
        """Take the wheel from the controls inside; Qt calls this."""
        super().showEvent(event)
        self._guard_values()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the content, and scroll by the wheel; Qt calls this."""
        if event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self.updateGeometry()
            self._guard_values()
        if event.type() == QEvent.Type.Wheel and _has_value(watched):
            number = not isinstance(watched, QComboBox)
            if not (number and watched.hasFocus()):
                # What no control takes goes on to this area.
                event.ignore()
                return True
        return bool(super().eventFilter(watched, event))

    def _guard_values(self) -> None:
        inside = self.widget()
        if inside is None:
            return
        # This follows each change of the layout, so Qt picks them out.
        for control in inside.findChildren(_VALUES):
            if _has_value(control):
                # The wheel would give it the keyboard before it can be refused.
                if control.focusPolicy() == Qt.FocusPolicy.WheelFocus:
                    control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
                control.installEventFilter(self)


def _has_value(control: QObject) -> bool:
    return isinstance(control, _VALUES) and not isinstance(control, QScrollBar)
