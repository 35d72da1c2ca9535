"""Paints the rows of the training set."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex, QRect, QRectF, QSize, Qt
from qtpy.QtGui import QFont, QPainter, QTextOption
from qtpy.QtWidgets import (
    QApplication,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from cellpose_studio.ui.images.text import ROLE_LETTERS
from cellpose_studio.ui.train.training_set.pair_model import PART, detail_of
from cellpose_studio.ui.widgets.pixmap import paint_fitted

THUMBNAIL = 56
_MARGIN = 4
_DIM = 0.7
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class PairDelegate(QStyledItemDelegate):
    """Paints picture, name, role, and what is known of a part."""

    def sizeHint(self, option: QStyleOptionViewItem, _: QModelIndex) -> QSize:
        """Return the height of all rows; the width is that of the list."""
        text = 3 * option.fontMetrics.height()
        return QSize(0, max(THUMBNAIL, text) + 2 * _MARGIN)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """Paint one row; for Qt."""
        part = index.data(PART)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        style = option.widget.style() if option.widget else QApplication.style()
        panel = QStyle.PrimitiveElement.PE_PanelItemViewItem
        style.drawPrimitive(panel, option, painter, option.widget)
        inner = option.rect.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        painter.setPen(option.palette.text().color())
        painter.setFont(option.font)
        if part.pair is None:
            painter.setOpacity(_DIM)
        picture = index.data(Qt.ItemDataRole.DecorationRole)
        box = QRect(inner.left(), inner.top(), THUMBNAIL, inner.height())
        if picture is not None:
            paint_fitted(painter, QRectF(box), picture)
        text = inner.adjusted(THUMBNAIL + 2 * _MARGIN, 0, 0, 0)
        bold = QFont(option.font)
        bold.setBold(True)
        letter = ROLE_LETTERS[part.pair.role] if part.pair else "–"
        painter.setFont(bold)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop
        painter.drawText(text, right, letter)
        painter.setFont(option.font)
        width = painter.fontMetrics().horizontalAdvance("MM")
        line = painter.fontMetrics().height()
        upper = QRect(text.left(), text.top(), text.width() - width, line)
        metrics = painter.fontMetrics()
        middle = Qt.TextElideMode.ElideMiddle
        painter.drawText(
            upper, _LEFT, metrics.elidedText(part.name, middle, upper.width())
        )
        painter.setOpacity(_DIM)
        below = text.adjusted(0, line + 1, 0, 0)
        wrapped = QTextOption(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        painter.drawText(QRectF(below), detail_of(part), wrapped)
        painter.restore()
