"""A small histogram of the pixels of a channel, above the slider of its contrast."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from cellpose_studio.core.display.channel_display import ChannelDisplay, ChannelValues

_HEIGHT = 34
_EDGE = 7
"""Half the width of the handle of a slider: its range is that much narrower."""
_RAMP = 24
"""Steps of the colours that are painted under the histogram."""


class Histogram(QWidget):
    """Shows how many pixels have which value, and the colour of each value."""

    def __init__(self) -> None:
        super().__init__(objectName="histogram")
        self._values: ChannelValues | None = None
        self._display = ChannelDisplay()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "Number of pixels by value, in the colours in which they are shown"
        )

    def sizeHint(self) -> QSize:
        """Return a low size; Qt calls this."""
        return QSize(120, _HEIGHT)

    def show_values(self, values: ChannelValues | None) -> None:
        """Show the values of a channel, or none."""
        self._values = values
        self.update()

    def show_display(self, display: ChannelDisplay) -> None:
        """Show its contrast and colour."""
        self._display = display
        self.update()

    def paintEvent(self, _: QPaintEvent) -> None:
        """Draw the histogram as a filled curve in the colours of its values."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(_EDGE, 1, -_EDGE, -1)
        painter.fillRect(area, Qt.GlobalColor.black)
        if self._values is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._ramp(area, self._values.bounds))
            painter.drawPolygon(_curve(area, self._values))
        painter.end()

    def _ramp(self, area: QRectF, bounds: tuple[float, float]) -> QLinearGradient:
        """Return the colours in which the values between ``bounds`` are shown."""
        low, high = self._display.limits
        ramp = QLinearGradient(area.topLeft(), area.topRight())
        for at in np.linspace(0, 1, _RAMP):
            value = bounds[0] + at * (bounds[1] - bounds[0])
            share = float(np.clip((value - low) / (high - low), 0, 1))
            bright = share**self._display.gamma
            # What is shown black would not be seen on black.
            bright = 0.25 + 0.75 * bright
            ramp.setColorAt(
                float(at),
                QColor.fromRgbF(*(part * bright for part in self._display.colour)),
            )
        return ramp


def _curve(area: QRectF, values: ChannelValues) -> QPolygonF:
    # The root shows the few bright pixels of cells beside the many of the background.
    heights = np.sqrt(values.histogram.astype(float))
    heights /= max(float(heights.max(initial=0)), 1.0)
    step = area.width() / len(heights)
    points = [QPointF(area.left(), area.bottom())]
    for n, height in enumerate(heights):
        y = area.bottom() - height * area.height()
        points.append(QPointF(area.left() + n * step, y))
        points.append(QPointF(area.left() + (n + 1) * step, y))
    return QPolygonF([*points, QPointF(area.right(), area.bottom())])
