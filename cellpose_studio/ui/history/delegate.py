"""Paints a row of the history."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex, QRect, QSize, Qt
from qtpy.QtGui import QFont, QPainter, QPalette, QPixmap
from qtpy.QtWidgets import (
    QApplication,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

ROW = int(Qt.ItemDataRole.UserRole)
"""Role of the `HistoryRow`; the roles after it are for its texts."""
DETAIL, NOTE, TIME, NUMBER, HEAD, LINES = range(ROW + 1, ROW + 7)

_THUMBNAIL = 40
"""Side of the square that a thumbnail lies in, px."""
_MARGIN = 4
_DIM = 0.65
"""Opacity of secondary text."""


class HistoryDelegate(QStyledItemDelegate):
    """Paints the thumbnail, title, time, details, number and note of a row."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return the height of a row; the width is that of the tree."""
        # Qt asks for all rows, so this needs no text.
        lines = index.data(LINES)
        text = option.fontMetrics.height() * lines
        return QSize(0, (text if lines == 1 else max(_THUMBNAIL, text)) + 2 * _MARGIN)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """Paint a node with its thumbnail, or a line of text."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        # The style draws the background and the selection, and nothing else.
        style = option.widget.style() if option.widget else QApplication.style()
        panel = QStyle.PrimitiveElement.PE_PanelItemViewItem
        style.drawPrimitive(panel, option, painter, option.widget)
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        box = option.rect.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        if index.data(TIME):
            picture = QRect(box.left(), box.top(), _THUMBNAIL, _THUMBNAIL)
            _draw_thumbnail(
                painter, picture, index.data(Qt.ItemDataRole.DecorationRole)
            )
            box.setLeft(box.left() + _THUMBNAIL + 2 * _MARGIN)
        _draw_lines(painter, option.font, box, index)
        painter.restore()


def _draw_lines(painter: QPainter, font: QFont, box: QRect, index: QModelIndex) -> None:
    height = painter.fontMetrics().height()
    line = QRect(box.left(), box.top(), box.width(), height)
    _draw_title(painter, font, line, index)
    painter.setFont(font)
    painter.setOpacity(_DIM)
    line = line.translated(0, height)
    if detail := index.data(DETAIL):
        number = index.data(NUMBER)
        _draw_elided(
            painter, _draw_right(painter, line, number and f"#{number}"), detail
        )
    elif number := index.data(NUMBER):
        _draw_right(painter, line, f"#{number}")
    if note := index.data(NOTE):
        slanted = QFont(font)
        slanted.setItalic(True)
        painter.setFont(slanted)
        painter.setOpacity(1)
        _draw_elided(painter, line.translated(0, height), " ".join(note.split()))


def _draw_title(
    painter: QPainter, font: QFont, line: QRect, index: QModelIndex
) -> None:
    """Draw the title and the time; the title of the head in bold."""
    painter.setOpacity(_DIM)
    line = _draw_right(painter, line, index.data(TIME))
    painter.setOpacity(1)
    heavy = QFont(font)
    heading = not index.data(TIME) and not index.data(HEAD)
    heavy.setBold(bool(index.data(HEAD)) or heading)
    painter.setFont(heavy)
    text = index.data(Qt.ItemDataRole.DisplayRole)
    _draw_elided(painter, line, text)


def _draw_right(painter: QPainter, line: QRect, text: str | None) -> QRect:
    """Draw ``text`` at the right end; return the rest of the line."""
    if not text:
        return line
    alignment = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    painter.drawText(line, alignment, text)
    width = painter.fontMetrics().horizontalAdvance(text)
    return line.adjusted(0, 0, -width - 2 * _MARGIN, 0)


def _draw_elided(painter: QPainter, line: QRect, text: str) -> None:
    metrics = painter.fontMetrics()
    short = metrics.elidedText(text, Qt.TextElideMode.ElideRight, line.width())
    alignment = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
    painter.drawText(line, alignment, short)


def _draw_thumbnail(painter: QPainter, box: QRect, pixmap: QPixmap | None) -> None:
    if pixmap is None:
        painter.setOpacity(0.15)
        painter.fillRect(box, painter.pen().color())
        painter.setOpacity(1)
        return
    size = pixmap.size().scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
    target = QRect(box.topLeft(), size)
    target.moveCenter(box.center())
    painter.drawPixmap(target, pixmap)
