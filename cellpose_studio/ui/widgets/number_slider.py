"""Slider with its number beside it, to type in, and a button that resets it."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QSlider,
    QSpinBox,
    QToolButton,
    QWidget,
)
from superqt import QDoubleSlider

from cellpose_studio.ui.widgets.form import set_name, set_tooltip

_GAP = 4  # px
_SHORTEST = 40  # px, of the slider
_PADDING = 14  # px beside the number


class NumberSlider(QWidget):
    """A number that is moved, typed, or reset to its default.

    The slider covers the useful part of the range; larger numbers can be typed.

    Parameters
    ----------
    box
        Spin box with the whole range, the decimals and the default as its value.
    highest
        Right end of the slider.
    """

    changed = Signal(float)
    released = Signal()  # after a drag of the slider

    def __init__(self, box: QSpinBox | QDoubleSpinBox, highest: float) -> None:
        super().__init__()
        self.box = box
        self.default = box.value()
        whole = isinstance(box, QSpinBox)
        kind = QSlider if whole else QDoubleSlider
        self.slider: Any = kind(Qt.Orientation.Horizontal)
        self.slider.setRange(box.minimum(), int(highest) if whole else highest)
        self.slider.setSingleStep(box.singleStep())
        self.slider.setMinimumWidth(_SHORTEST)
        self.reset = QToolButton(text="↺", autoRaise=True)
        # The reset moves the number; the keyboard stays with the image.
        self.reset.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        # Only complete numbers count: a typed 30 would begin with 3 otherwise.
        box.setKeyboardTracking(False)
        # The slider moves it, so buttons would only take room from the slider.
        box.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self._lay_out()
        self._connect()
        self._follow(self.default)
        self._fit()

    def value(self) -> Any:
        """Return the number, with the decimals of the box."""
        return self.box.value()

    def set_value(self, value: float) -> None:
        """Set the number; emit `changed` if it is another one."""
        self.box.setValue(value)

    def changeEvent(self, event: QEvent) -> None:
        """Leave the number its room in other letters; Qt calls this."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def is_busy(self) -> bool:
        """Return whether the user drags the slider, or types a number."""
        typed = self.box.cleanText() != self.box.textFromValue(self.box.value())
        return bool(self.slider.isSliderDown() or typed)

    def set_name(self, name: str) -> None:
        """Set what screen readers call the parts."""
        set_name(self, name)
        self.reset.setAccessibleName(f"Reset: {name}")

    def set_tip(self, tip: str) -> None:
        """Set the tooltip of the parts; that of the button says what it resets to."""
        set_tooltip(self, tip)
        default = self.box.textFromValue(self.default) + self.box.suffix()
        self.reset.setToolTip(f"Reset to {default}.")

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(_GAP)
        row.addWidget(self.slider, 1)
        row.addWidget(self.box)
        row.addWidget(self.reset)

    def _fit(self) -> None:
        """Make the box as wide as the numbers of the slider need it."""
        ends = self.box.minimum(), self.slider.maximum()
        texts = [f"{self.box.textFromValue(end)}{self.box.suffix()}" for end in ends]
        metrics = self.box.fontMetrics()
        widest = max(map(metrics.horizontalAdvance, texts))
        self.box.setMaximumWidth(widest + _PADDING)

    def _connect(self) -> None:
        self.slider.valueChanged.connect(self._on_slider)
        self.slider.sliderReleased.connect(self.released)
        self.box.valueChanged.connect(self._on_number)
        self.reset.clicked.connect(lambda: self.set_value(self.default))

    def _on_slider(self, value: float) -> None:
        self.box.setValue(value)

    def _on_number(self, value: float) -> None:
        self._follow(value)
        self.changed.emit(float(value))

    def _follow(self, value: float) -> None:
        # A number beyond the slider must not be sent back as the end of the slider.
        self.slider.blockSignals(True)
        self.slider.setValue(value)
        self.slider.blockSignals(False)
        self.reset.setEnabled(value != self.default)
