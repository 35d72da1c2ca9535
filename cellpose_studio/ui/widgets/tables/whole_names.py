"""Names in tables and trees, which can be told apart where they begin alike."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from qtpy.QtCore import QEvent, QModelIndex, QRectF, QSize, Qt
from qtpy.QtGui import (
    QFontMetrics,
    QHelpEvent,
    QPainter,
    QPalette,
    QTextDocument,
    QTextOption,
)
from qtpy.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QTreeView,
)

_MARGIN = 3
_PADDING = 8
"""Between a text and the sides of its column, both together, px."""
_NARROWEST = 60
"""Width that texts are wrapped at in a tree that is narrower, px."""


class NamesShortenedInside(QStyledItemDelegate):
    """Leaves out the middle of texts that are too long; their tooltip has them whole.

    Numbers, which are aligned at the right, are left as they are.
    """

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Shorten texts inside; Qt calls this."""
        super().initStyleOption(option, index)
        if option.displayAlignment & Qt.AlignmentFlag.AlignLeft:
            option.textElideMode = Qt.TextElideMode.ElideMiddle

    def helpEvent(
        self,
        event: QHelpEvent | None,
        view: QAbstractItemView | None,
        option: QStyleOptionViewItem,
        index: QModelIndex,
    ) -> bool:
        """Show a text that does not fit as a tooltip; Qt calls this."""
        text = index.data(Qt.ItemDataRole.DisplayRole)
        if (
            event is None
            or event.type() != QEvent.Type.ToolTip
            or not isinstance(text, str)
            or room_for(option.fontMetrics, text) <= option.rect.width()
        ):
            return bool(super().helpEvent(event, view, option, index))
        QToolTip.showText(event.globalPos(), text, view)
        return True


class WrappedNames(QStyledItemDelegate):
    """Writes the first column of a tree over as many lines as its texts need."""

    def __init__(self, tree: QTreeView) -> None:
        super().__init__(tree)
        self._tree = tree
        tree.header().sectionResized.connect(
            lambda *_: tree.scheduleDelayedItemsLayout()
        )

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return the height of all lines; the width is that of the column."""
        depth, above = 1, index.parent()
        while above.isValid():
            depth, above = depth + 1, above.parent()
        width = self._tree.columnWidth(0) - depth * self._tree.indentation()
        lines = QTextDocument()
        lines.setDocumentMargin(0)
        lines.setDefaultFont(option.font)
        lines.setDefaultTextOption(_wrapped())
        lines.setPlainText(index.data(Qt.ItemDataRole.DisplayRole))
        lines.setTextWidth(max(width - 2 * _MARGIN, _NARROWEST))
        return QSize(0, ceil(lines.size().height()) + 2 * _MARGIN)

    def paint(
        self,
        painter: QPainter | None,
        option: QStyleOptionViewItem,
        index: QModelIndex,
    ) -> None:
        """Draw all lines; Qt calls this."""
        if painter is None:
            return
        painter.save()
        panel = QStyle.PrimitiveElement.PE_PanelItemViewItem
        self._tree.style().drawPrimitive(panel, option, painter, self._tree)
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        box = option.rect.adjusted(_MARGIN, _MARGIN, -_MARGIN, 0)
        text = index.data(Qt.ItemDataRole.DisplayRole)
        painter.drawText(QRectF(box), text, _wrapped())
        painter.restore()


def _wrapped() -> QTextOption:
    """Return how texts are wrapped: between words, and inside of one that is long."""
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    return option


def room_for(letters: QFontMetrics, text: str) -> int:
    """Return how wide a column has to be for a text, px."""
    return letters.horizontalAdvance(text) + _PADDING


def can_be_told_apart(letters: QFontMetrics, texts: Iterable[str], width: int) -> bool:
    """Return whether texts differ where their middle is left out.

    Parameters
    ----------
    width
        Of the column, px.
    """
    whole, middle = set(texts), Qt.TextElideMode.ElideMiddle
    room = width - _PADDING
    return len({letters.elidedText(text, middle, room) for text in whole}) == len(whole)
