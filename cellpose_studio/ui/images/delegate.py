"""Paints the rows of the image list."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex, QPointF, QRect, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPen, QPixmap, QPolygonF
from qtpy.QtWidgets import (
    QApplication,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from cellpose_studio.app.images.image_status import ImageStatus
from cellpose_studio.core.models.training_set import Role
from cellpose_studio.ui.images.model import BADGE, CELLS, STATUS, TRAINING
from cellpose_studio.ui.images.text import ROLE_LETTERS
from cellpose_studio.ui.widgets.pixmap import paint_fitted

THUMBNAIL = 40
"""Side of the square of a thumbnail, px."""
_MARGIN, _ICON = 4, 14
_DIM = 0.65
"""Opacity of the badge."""

# Like the palette of Okabe and Ito, for colour-blind readers; shapes differ as well.
_COLOURS: dict[ImageStatus, str] = {
    "untouched": "#888888",
    "segmented": "#3d9be0",
    "edited": "#e69f00",
    "reviewed": "#00a878",
    "missing": "#e0602a",
}


class ImageDelegate(QStyledItemDelegate):
    """Paints thumbnail, name, role in training, number of cells, and status icon."""

    def sizeHint(self, option: QStyleOptionViewItem, _: QModelIndex) -> QSize:
        """Return the height of all rows; the width is that of the list."""
        text = 2 * option.fontMetrics.height()
        return QSize(0, max(THUMBNAIL, text) + 2 * _MARGIN)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """Paint one row; for Qt."""
        painter.save()
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        self._background(painter, option)
        inner = option.rect.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        picture = QRect(inner.left(), inner.top(), THUMBNAIL, inner.height())
        text = inner.adjusted(THUMBNAIL + 2 * _MARGIN, 0, 0, 0)
        _thumbnail(painter, picture, index.data(Qt.ItemDataRole.DecorationRole))
        painter.setFont(option.font)
        painter.setPen(option.palette.text().color())
        # From right to left, so that the name gets the remaining width.
        text = _icon_on_the_right(painter, text, index.data(STATUS))
        cells = index.data(CELLS)
        text = _on_the_right(painter, text, "" if cells is None else str(cells))
        text = _letter_on_the_right(painter, text, index.data(TRAINING))
        _names(painter, text, index.data(), index.data(BADGE))
        painter.restore()

    def _background(self, painter: QPainter, option: QStyleOptionViewItem) -> None:
        style = option.widget.style() if option.widget else QApplication.style()
        # The style draws the selection, so that it looks as in other lists.
        panel = QStyle.PrimitiveElement.PE_PanelItemViewItem
        style.drawPrimitive(panel, option, painter, option.widget)


def _thumbnail(painter: QPainter, box: QRect, pixmap: QPixmap | None) -> None:
    side = min(box.width(), box.height())
    square = QRectF(0, 0, side, side)
    square.moveCenter(QRectF(box).center())
    if pixmap is None:
        painter.setOpacity(0.15)
        painter.fillRect(square, painter.pen().color())
        painter.setOpacity(1)
        return
    paint_fitted(painter, square, pixmap)


def _on_the_right(painter: QPainter, box: QRect, text: str) -> QRect:
    """Draw ``text`` at the right end; return the remaining rectangle."""
    if not text:
        return box
    alignment = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    painter.drawText(box, alignment, text)
    width = painter.fontMetrics().horizontalAdvance(text)
    return box.adjusted(0, 0, -width - 2 * _MARGIN, 0)


def _letter_on_the_right(painter: QPainter, box: QRect, role: Role | None) -> QRect:
    if role is None:
        return box
    font = QFont(painter.font())
    painter.setFont(bold := QFont(font))
    bold.setBold(True)
    painter.setFont(bold)
    remaining = _on_the_right(painter, box, ROLE_LETTERS[role])
    painter.setFont(font)
    return remaining


def _names(painter: QPainter, box: QRect, name: str, badge: str) -> None:
    """Draw the name, elided in its middle, with the badge below it."""
    metrics = painter.fontMetrics()
    alignment = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
    elided = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, box.width())
    if not badge:
        painter.drawText(box, alignment, elided)
        return
    upper = QRect(box.left(), box.top(), box.width(), box.height() // 2)
    painter.drawText(upper, alignment, elided)
    painter.setOpacity(_DIM)
    below = metrics.elidedText(badge, Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(upper.translated(0, box.height() // 2), alignment, below)
    painter.setOpacity(1)


def _icon_on_the_right(
    painter: QPainter, box: QRect, status: ImageStatus | None
) -> QRect:
    """Draw the icon of a status at the right end; return the remaining rectangle."""
    if status is None:
        return box
    square = QRectF(0, 0, _ICON, _ICON)
    square.moveCenter(QPointF(box.right() - _ICON / 2, QRectF(box).center().y()))
    draw_icon(painter, square, status)
    return box.adjusted(0, 0, -_ICON - 2 * _MARGIN, 0)


def draw_icon(painter: QPainter, square: QRectF, status: ImageStatus) -> None:
    """Draw the icon of a status; each differs in shape and in colour."""
    painter.save()
    colour = QColor(_COLOURS[status])
    pen = QPen(colour, 2)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    inner = square.adjusted(2, 2, -2, -2)
    if status in ("segmented", "edited"):
        painter.setBrush(colour)
    if status in ("untouched", "segmented"):
        painter.drawEllipse(inner)
    elif status == "edited":
        painter.drawPolygon(_points(inner, (0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)))
    elif status == "reviewed":
        painter.drawPolyline(_points(inner, (0, 0.55), (0.4, 1), (1, 0.05)))
    else:
        painter.drawLine(inner.topLeft(), inner.bottomRight())
        painter.drawLine(inner.topRight(), inner.bottomLeft())
    painter.restore()


def _points(box: QRectF, *points: tuple[float, float]) -> QPolygonF:
    return QPolygonF(
        [
            QPointF(box.left() + x * box.width(), box.top() + y * box.height())
            for x, y in points
        ]
    )
