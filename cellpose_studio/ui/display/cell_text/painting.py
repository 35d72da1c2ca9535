"""Painting of text that is legible on bright and on dark images."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import QPointF, QSizeF, Qt
from qtpy.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen

RIM = 0.16
"""Width of the dark outline of letters, relative to their height."""

_RIM_COLOUR = QColor(0, 0, 0, 215)


@dataclass(frozen=True)
class CellText:
    """A text at a cell; Y and X in pixels, where 0 is the centre of the first."""

    y: float
    x: float
    text: str
    colour: str


def text_extent(text: str, font: QFont) -> QSizeF:
    """Return the size of a text with its outline, in px."""
    metrics = QFontMetricsF(font)
    rim = 2 * RIM * metrics.height() + 2
    return QSizeF(metrics.horizontalAdvance(text) + rim, metrics.height() + rim)


def draw_text(
    painter: QPainter, middle: QPointF, text: str, font: QFont, colour: QColor
) -> None:
    """Draw a text centred at a point; SVG and PDF files contain it as text."""
    metrics = QFontMetricsF(font)
    # The height of capitals and digits is centred, without any descenders.
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
