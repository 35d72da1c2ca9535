"""Words that can be read on bright and on dark ground."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import QPointF, QSizeF, Qt
from qtpy.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen

RIM = 0.16
"""Width of the dark rim around letters, of their height."""

_RIM_COLOUR = QColor(0, 0, 0, 215)


@dataclass(frozen=True)
class CellText:
    """A word at a cell; its place in pixels of the plane, 0 is the first's middle."""

    y: float
    x: float
    text: str
    colour: str


def text_extent(text: str, font: QFont) -> QSizeF:
    """Return how much room a word takes with its rim."""
    metrics = QFontMetricsF(font)
    rim = 2 * RIM * metrics.height() + 2
    return QSizeF(metrics.horizontalAdvance(text) + rim, metrics.height() + rim)


def draw_text(
    painter: QPainter, middle: QPointF, text: str, font: QFont, colour: QColor
) -> None:
    """Draw a word around a point; it stays text in files that know text."""
    metrics = QFontMetricsF(font)
    # Capitals and digits in the middle, whatever hangs below the line.
    start = QPointF(
        middle.x() - metrics.horizontalAdvance(text) / 2,
        middle.y() + metrics.capHeight() / 2,
    )
    rim = QPainterPath()
    rim.addText(start, font, text)
    pen = QPen(_RIM_COLOUR, 2 * RIM * metrics.capHeight() + 1)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(rim, pen)
    painter.setFont(font)
    painter.setPen(colour)
    painter.drawText(start, text)
