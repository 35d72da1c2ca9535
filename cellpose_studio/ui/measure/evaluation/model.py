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
        self._tips: list[str] = []
        self._sorted: tuple[int, Qt.SortOrder] | None = None

    def show(
        self,
        rows: list[tuple[Value, ...]],
        heads: Sequence[TableHead] | None = None,
        colours: Sequence[str] = (),
        tips: Sequence[str] = (),
    ) -> None:
        """Show rows, in the order that the user has chosen.

        ``colours`` and ``tips`` are those of their first columns, if there are any.
        """
        self.beginResetModel()
        self._heads = tuple(heads) if heads is not None else self._heads
        self.rows, self.order = rows, list(range(len(rows)))
        self._colours, self._tips = list(colours), list(tips)
        self._arrange()
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
        if role == Qt.ItemDataRole.ToolTipRole and self._tips:
            return f"<qt>{self._tips[row]}</qt>"
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
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        rows = [self.order[index.row()] for index in before]
        self._sorted = (column, order) if 0 <= column < len(self._heads) else None
        self._arrange()
        # What is selected stays so in its new row.
        places = {row: n for n, row in enumerate(self.order)}
        after = [
            self.index(places[row], index.column())
            for row, index in zip(rows, before, strict=True)
        ]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _arrange(self) -> None:
        every = range(len(self.rows))
        if self._sorted is None:
            self.order = list(every)
            return
        column, order = self._sorted
        known = [n for n in every if not _is_nan(self.rows[n][column])]
        down = order == Qt.SortOrder.DescendingOrder
        known.sort(key=lambda n: _key(self.rows[n][column]), reverse=down)
        rest = [n for n in every if _is_nan(self.rows[n][column])]
        self.order = known + rest


def _text(value: Value) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else value


def _is_nan(value: Value) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _key(value: Value) -> tuple[int, Value]:
    return (1, value) if isinstance(value, str) else (0, value)
