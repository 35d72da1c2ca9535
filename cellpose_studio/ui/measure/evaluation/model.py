"""A table of rows that were computed, sorted by a click on a column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from qtpy.QtGui import QColor

Value = str | float | int

_ROOT = QModelIndex()


@dataclass(frozen=True)
class TableHead:
    """Title and tooltip of a column."""

    title: str
    tip: str


class ResultModel(QAbstractTableModel):
    """Shows rows of texts and numbers; NaN is shown as a dash."""

    def __init__(self, heads: Sequence[TableHead], parent: QObject) -> None:
        super().__init__(parent)
        self._heads = tuple(heads)
        self.rows: list[tuple[Value, ...]] = []
        self.order: list[int] = []
        self._colours: list[str] = []

    def show(
        self,
        rows: list[tuple[Value, ...]],
        heads: Sequence[TableHead] | None = None,
        colours: Sequence[str] = (),
    ) -> None:
        """Show rows; ``colours`` of their first columns, if there are any."""
        self.beginResetModel()
        self._heads = tuple(heads) if heads is not None else self._heads
        self.rows, self.order = rows, list(range(len(rows)))
        self._colours = list(colours)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = _ROOT) -> int:
        """Return the number of rows; Qt calls this."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = _ROOT) -> int:
        """Return the number of columns; Qt calls this."""
        return 0 if parent.isValid() else len(self._heads)

    def data(self, index: QModelIndex, role: int = 0) -> object:
        """Return what a cell of the table shows; Qt calls this."""
        row = self.order[index.row()]
        value = self.rows[row][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(value)
        if role == Qt.ItemDataRole.TextAlignmentRole and not isinstance(value, str):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 0:
            return QColor(self._colours[row]) if self._colours else None
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = 0
    ) -> object:
        """Return title and tooltip of a column; Qt calls this."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        head = self._heads[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return head.title
        return f"<qt>{head.tip}</qt>" if role == Qt.ItemDataRole.ToolTipRole else None

    def sort(
        self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder
    ) -> None:
        """Sort the rows by a column; Qt calls this. What is unknown comes last."""
        if not 0 <= column < len(self._heads):
            return
        self.layoutAboutToBeChanged.emit()
        down = order == Qt.SortOrder.DescendingOrder
        known = [n for n in range(len(self.rows)) if not _is_nan(self.rows[n][column])]
        known.sort(key=lambda n: _key(self.rows[n][column]), reverse=down)
        rest = [n for n in range(len(self.rows)) if _is_nan(self.rows[n][column])]
        self.order = known + rest
        self.layoutChanged.emit()


def _text(value: Value) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else value


def _is_nan(value: Value) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _key(value: Value) -> tuple[int, Value]:
    return (1, value) if isinstance(value, str) else (0, value)
