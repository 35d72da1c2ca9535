"""Brightness, contrast and gamma of one channel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from math import log2, ulp

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QDoubleRangeSlider, QDoubleSlider

from cellpose_studio.core.display.channel_display import (
    GAMMAS,
    ChannelDisplay,
    ChannelValues,
    replace_display,
)
from cellpose_studio.ui.display.histogram import Histogram

_FIXED = QSizePolicy.Policy.Fixed
_FARTHEST = 1e12
"""Largest number that can be typed."""


class ContrastEditor(QWidget):
    """Edits the contrast of one channel: a slider with two handles, numbers, gamma.

    Attributes
    ----------
    auto, reset
        Buttons, for their commands.
    """

    changed = Signal(object)  # ChannelDisplay, by the user

    def __init__(self) -> None:
        super().__init__()
        self._display = ChannelDisplay()
        self._values: ChannelValues | None = None
        self.histogram = Histogram()
        self.slider = QDoubleRangeSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("contrast")
        self.low, self.high = (
            _number("Value shown black"),
            _number("Value shown in full brightness"),
        )
        self.gamma = QDoubleSlider(Qt.Orientation.Horizontal)
        self.gamma_box = QDoubleSpinBox(minimum=GAMMAS[0], maximum=GAMMAS[1])
        self.auto = QPushButton("Auto")
        self.reset = QPushButton("Reset")
        self._set_up()
        self._lay_out()
        self._connect()

    @property
    def controls(self) -> list[QWidget]:
        """What takes the keyboard, from top to bottom."""
        limits = [self.low, self.auto, self.reset, self.high]
        return [self.slider, *limits, self.gamma, self.gamma_box]

    def show_channel(
        self, display: ChannelDisplay, values: ChannelValues | None
    ) -> None:
        """Show the settings of a channel; hidden without values."""
        self._display, self._values = display, values
        self.setVisible(values is not None)
        self.histogram.show_values(values)
        self.histogram.show_display(display)
        if values is None:
            return
        low, high = display.limits
        with _silent(self.slider, self.low, self.high, self.gamma, self.gamma_box):
            # Typed limits may lie outside the values of the pixels.
            self.slider.setRange(
                min(values.bounds[0], low), max(values.bounds[1], high)
            )
            self.slider.setValue((low, high))
            decimals = _decimals(values)
            for box, value in ((self.low, low), (self.high, high)):
                box.setDecimals(decimals)
                box.setSingleStep((values.bounds[1] - values.bounds[0]) / 100)
                box.setValue(value)
            self.gamma.setValue(log2(display.gamma))
            self.gamma_box.setValue(display.gamma)

    def _set_up(self) -> None:
        for widget, name in (
            (self.slider, "Contrast"),
            (self.low, "Value shown black"),
            (self.high, "Value shown in full brightness"),
            (self.gamma, "Gamma"),
            (self.gamma_box, "Gamma"),
        ):
            widget.setAccessibleName(name)
        self.slider.setToolTip(
            "Drag the left handle to darken the background, the right one to "
            "brighten the cells"
        )
        # Equal steps of the logarithm look alike, and 1 is in the middle.
        self.gamma.setRange(log2(GAMMAS[0]), log2(GAMMAS[1]))
        for widget in (self.gamma, self.gamma_box):
            widget.setToolTip("Below 1, dark parts become brighter")
        self.gamma_box.setSingleStep(0.05)
        self.gamma_box.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self.gamma_box.setSizePolicy(_FIXED, _FIXED)
        for button in (self.auto, self.reset):
            button.setObjectName("contrastButton")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def _lay_out(self) -> None:
        limits, gamma = QHBoxLayout(), QHBoxLayout()
        for part in (self.low, self.auto, self.reset, self.high):
            limits.addWidget(part, part in (self.low, self.high))
        gamma.addWidget(QLabel("Gamma"))
        gamma.addWidget(self.gamma, 1)
        gamma.addWidget(self.gamma_box)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.histogram)
        column.addWidget(self.slider)
        for row in (limits, gamma):
            row.setSpacing(4)
            column.addLayout(row)

    def _connect(self) -> None:
        self.slider.valueChanged.connect(self._on_slider)
        self.low.valueChanged.connect(lambda low: self._set_limits(low, None))
        self.high.valueChanged.connect(lambda high: self._set_limits(None, high))
        self.gamma.valueChanged.connect(lambda value: self._set_gamma(2**value))
        self.gamma_box.valueChanged.connect(self._set_gamma)

    def _on_slider(self, value: tuple[float, float]) -> None:
        self._set_limits(*value)

    def _set_limits(self, low: float | None, high: float | None) -> None:
        assert self._values is not None
        now = self._display.limits
        farthest = max(abs(value) for value in (low, high, *now) if value is not None)
        # A typed number may be so large that a part of the range is lost in rounding.
        least = max(
            (self._values.bounds[1] - self._values.bounds[0]) / 1000, ulp(farthest)
        )
        # The limit that the user moves pushes the other one.
        if high is None:
            low = now[0] if low is None else low
            high = max(now[1], low + least)
        elif low is None:
            low = min(now[0], high - least)
        self._set(limits=(low, max(high, low + least)))

    def _set_gamma(self, gamma: float) -> None:
        self._set(gamma=min(max(round(gamma, 2), GAMMAS[0]), GAMMAS[1]))

    def _set(self, **changes: object) -> None:
        display = replace_display(self._display, **changes)
        if display != self._display:
            self.changed.emit(display)


@contextmanager
def _silent(*widgets: QWidget) -> Iterator[None]:
    """Block the signals of widgets while they are filled."""
    with ExitStack() as blocked:
        for widget in widgets:
            blocked.enter_context(QSignalBlocker(widget))
        yield


def _number(tip: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox(minimum=-_FARTHEST, maximum=_FARTHEST, toolTip=tip)
    box.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
    # Only complete numbers count: a typed 30 would begin with 3 otherwise.
    box.setKeyboardTracking(False)
    box.setMinimumWidth(40)
    return box


def _decimals(values: ChannelValues) -> int:
    """Return how many decimals tell values of the channel apart."""
    low, high = values.bounds
    if values.whole or high - low >= 1000:
        return 0
    return 2 if high - low >= 1 else 4
