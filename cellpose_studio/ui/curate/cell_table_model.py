"""The cells of the masks that are shown as a table for Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtGui import QColor, QFont

from cellpose_studio.core.provenance.revision import CellStatus
from cellpose_studio.core.review.columns import COLUMNS, Head, column_values
from cellpose_studio.core.review.filter import Term, which
from cellpose_studio.core.review.queue import Review
from cellpose_studio.ui.widgets.cell_status import (
    STATUS_COLOURS,
    STATUS_SIGNS,
    STATUS_WORDS,
)

_ROLES = Qt.ItemDataRole

TABLE = tuple(column for column in COLUMNS.values() if column.in_table)
"""The columns with values of cells; the status comes after them."""
STATUS = len(TABLE)
HEADS: tuple[Head, ...] = (
    *TABLE,
    Head(
        name="status",
        title="✓",
        tip="What you decided: accepted, rejected, or to be fixed later.",
        width=20,
        centred=True,
    ),
)

_VOLUMES = ("voxels", "µm³")
_CODES: tuple[CellStatus | None, ...] = (None, "accepted", "rejected", "later")
_LEFT = (0, 3)
"""Codes of cells that are still to be decided on."""

Rows = npt.NDArray[np.intp]
Wanted = CellStatus | Literal[""] | None
"""Cells of a status; "" is those without, None is all."""


class ReviewModel(QAbstractTableModel):
    """Cells in the order of a column, those that the filter lets through."""

    def __init__(self) -> None:
        super().__init__()
        self._review: Review | None = None
        self._statuses = np.zeros(0, np.int8)
        self._columns: dict[str, npt.NDArray[np.float64]] = {}
        self._rows: Rows = np.zeros(0, np.intp)
        self._terms: tuple[Term, ...] = ()
        self._status: Wanted = None
        self._order = (column_at("uncertainty"), Qt.SortOrder.DescendingOrder)
        self._unit = "pixels"
        self._bold = QFont()
        self._bold.setBold(True)

    # For Qt

    def rowCount(self, _: QModelIndex | None = None) -> int:
        """Return the number of cells that are listed."""
        return len(self._rows)

    def columnCount(self, _: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return len(HEADS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = _ROLES.DisplayRole
    ) -> Any:
        """Return the word over a column, and what it means."""
        if orientation == Qt.Orientation.Horizontal:
            head = HEADS[section]
            if role == _ROLES.DisplayRole:
                is_area = section < STATUS and TABLE[section].is_area
                volume = is_area and self._unit in _VOLUMES
                return "Volume" if volume else head.title
            if role == _ROLES.ToolTipRole:
                return f"<qt>{head.tip.format(unit=self._unit)}</qt>"
        return None

    def data(self, index: QModelIndex, role: int = _ROLES.DisplayRole) -> Any:
        """Return what there is to show of a cell."""
        row, column = self._rows[index.row()], index.column()
        status = _CODES[self._statuses[row]]
        if role == _ROLES.DisplayRole:
            return self._text(row, column)
        if role == _ROLES.TextAlignmentRole:
            side = "AlignCenter" if HEADS[column].centred else "AlignRight"
            return getattr(Qt.AlignmentFlag, side) | Qt.AlignmentFlag.AlignVCenter
        if role == _ROLES.ForegroundRole and status and column in (0, STATUS):
            return QColor(STATUS_COLOURS[status])
        if role == _ROLES.FontRole and status and column in (0, STATUS):
            return self._bold
        if role == _ROLES.ToolTipRole and status:
            return STATUS_WORDS[status]
        return None

    def sort(
        self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder
    ) -> None:
        """Order the cells by a column."""
        self._order = (column, order)
        self._arrange()

    # What there is

    def show(
        self,
        review: Review | None,
        statuses: dict[int, CellStatus],
        area: float = 1.0,
        unit: str = "pixels",
    ) -> None:
        """List other cells; ``area`` is that of a pixel in ``unit``."""
        self._review, self._unit = review, unit
        self._columns = column_values(review, area) if review else {}
        ids = review.ids if review else np.zeros(0, np.uint32)
        self._statuses = np.zeros(len(ids), np.int8)
        known = {cell: _CODES.index(status) for cell, status in statuses.items()}
        for row in np.flatnonzero(np.isin(ids, np.array([*known], np.uint32))):
            self._statuses[row] = known[int(ids[row])]
        self._arrange()

    def set_statuses(self, statuses: dict[int, CellStatus | None]) -> None:
        """Show what was decided about some cells; they stay where they are."""
        for cell, status in statuses.items():
            row = self._review.row(cell) if self._review else -1
            if row >= 0:
                self._statuses[row] = _CODES.index(status)
        if self._status is not None or self._order[0] == STATUS:
            self._arrange()
        elif len(self._rows):
            last = self.index(len(self._rows) - 1, STATUS)
            self.dataChanged.emit(self.index(0, 0), last)

    def set_filter(
        self, terms: tuple[Term, ...], status: CellStatus | Literal[""] | None
    ) -> None:
        """List only cells for which all conditions hold; "" is: not yet decided."""
        self._terms, self._status = terms, status
        self._arrange()

    def knows(self, column: int) -> bool:
        """Tell whether the value of a column is known for any cell."""
        values = self._columns.get(TABLE[column].name)
        return values is not None and bool(np.isfinite(values).any())

    def cell(self, row: int) -> int:
        """Return the id of the cell that is listed in a row."""
        assert self._review is not None
        return int(self._review.ids[self._rows[row]])

    def row_of(self, cell: int) -> int:
        """Return in which row a cell is listed; -1 if it is not."""
        at = self._review.row(cell) if self._review else -1
        rows = np.flatnonzero(self._rows == at)
        return int(rows[0]) if at >= 0 and len(rows) else -1

    def undecided(self, row: int, by: int, without: Sequence[int] = ()) -> int:
        """Return the next cell that is left to decide on; 0 if there is none.

        Down from ``row`` with ``by`` of 1, up with -1, and on from the other end.
        """
        is_left = np.isin(self._statuses[self._rows], _LEFT)
        if without and self._review is not None:
            is_left &= ~np.isin(self._review.ids[self._rows], without)
        left = np.flatnonzero(is_left)
        left = left[left != row]
        if not len(left):
            return 0
        beyond = left[left > row] if by > 0 else left[left < row]
        rows = beyond if len(beyond) else left
        return self.cell(int(rows[0] if by > 0 else rows[-1]))

    def progress(self) -> tuple[int, int, int]:
        """Return how many cells are decided on, how many there are, and are for later.

        Of all cells, also those that the filter leaves out.
        """
        counts = np.bincount(self._statuses, minlength=len(_CODES))
        return int(counts[1] + counts[2]), len(self._statuses), int(counts[3])

    def rejected(self) -> list[int]:
        """Return the cells that were rejected."""
        if self._review is None:
            return []
        rejected: list[int] = self._review.ids[self._statuses == 2].tolist()
        return rejected

    def _text(self, row: int, column: int) -> str:
        if column == STATUS:
            status = _CODES[self._statuses[row]]
            return STATUS_SIGNS[status] if status else ""
        shown = TABLE[column]
        return shown.text(float(self._columns[shown.name][row]))

    def _arrange(self) -> None:
        """List the cells that the filter lets through, in order."""
        self.beginResetModel()
        size = len(self._statuses)
        kept = which(self._terms, self._columns, size) if size else np.zeros(0, bool)
        if self._status is not None:
            wanted = _CODES.index(self._status or None)
            kept &= self._statuses == wanted
        self._rows = np.flatnonzero(kept)
        self._rows = self._rows[np.argsort(self._keys()[self._rows], kind="stable")]
        self.endResetModel()

    def _keys(self) -> npt.NDArray[np.float64]:
        """Return what to sort by, of all cells; unknown values come last."""
        column, order = self._order
        if not len(self._statuses):
            return np.zeros(0)
        if column == STATUS:
            keys = self._statuses.astype(np.float64)
        else:
            keys = self._columns[TABLE[column].name]
        return keys if order == Qt.SortOrder.AscendingOrder else -keys


def column_at(name: str) -> int:
    """Return the place of a column in the table."""
    return [head.name for head in HEADS].index(name)
