"""Qt model of the table of cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
"""Columns with measurements; the status is the column after them."""
STATUS = len(TABLE)
HEADS: tuple[Head, ...] = (
    *TABLE,
    Head(
        name="status",
        title="✓",
        tip="Review status: accepted, rejected, or to be fixed later.",
        width=20,
        centred=True,
    ),
)

_VOLUMES = ("voxels", "µm³")
# Statuses are stored as codes, so that NumPy can filter and sort them.
_CODES: tuple[CellStatus | None, ...] = (None, "accepted", "rejected", "later")
_CODE_OF = {status: code for code, status in enumerate(_CODES)}
_UNDECIDED = (0, 3)
"""Codes of cells that remain to be reviewed."""

Rows = npt.NDArray[np.intp]
StatusFilter = CellStatus | Literal[""] | None
"""The status of cells to list; "" is no status, None is all cells."""


class ReviewModel(QAbstractTableModel):
    """Lists the cells that pass the filter, in the order of a column."""

    def __init__(self) -> None:
        super().__init__()
        self._review: Review | None = None
        self._statuses = np.zeros(0, np.int8)
        self._columns: dict[str, npt.NDArray[np.float64]] = {}
        self._rows: Rows = np.zeros(0, np.intp)
        self._terms: tuple[Term, ...] = ()
        self._status: StatusFilter = None
        self._order = (column_at("uncertainty"), Qt.SortOrder.DescendingOrder)
        self._area, self._unit = 1.0, "pixels"
        self._shortened: dict[int, str] = {}
        self._bold = QFont()
        self._bold.setBold(True)

    def shorten(self, column: int, title: str) -> None:
        """Show a title that is shorter than that of the column, or all of it again."""
        if title != self._shortened.get(column, HEADS[column].title):
            self._shortened[column] = title
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, column, column)

    # Methods that Qt calls

    def rowCount(self, _: QModelIndex | None = None) -> int:
        """Return the number of listed cells."""
        return len(self._rows)

    def columnCount(self, _: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return len(HEADS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = _ROLES.DisplayRole
    ) -> Any:
        """Return the title of a column, or its tooltip."""
        if orientation == Qt.Orientation.Horizontal:
            head = HEADS[section]
            if role == _ROLES.DisplayRole:
                is_area = section < STATUS and TABLE[section].is_area
                volume = is_area and self._unit in _VOLUMES
                title = self._shortened.get(section, head.title)
                return "Volume" if volume else title
            if role == _ROLES.ToolTipRole:
                return f"<qt>{head.tip.format(unit=self._unit)}</qt>"
        return None

    def data(self, index: QModelIndex, role: int = _ROLES.DisplayRole) -> Any:
        """Return the text, style or tooltip of a cell in a column."""
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
        """Sort the cells by a column."""
        self._order = (column, order)
        self._arrange()

    # Contents

    def show(
        self,
        review: Review | None,
        statuses: dict[int, CellStatus],
        area: float = 1.0,
        unit: str = "pixels",
    ) -> None:
        """List the cells of a review; ``area`` is that of a pixel in ``unit``."""
        self._review, self._area, self._unit = review, area, unit
        self._columns = column_values(review, area) if review else {}
        ids = review.ids if review else np.zeros(0, np.uint32)
        self._statuses = np.zeros(len(ids), np.int8)
        self._set_codes(ids, statuses)
        self._arrange()

    def set_statuses(
        self, statuses: dict[int, CellStatus | None], review: Review | None = None
    ) -> None:
        """Update the status of some cells; ``review`` is what is known of all now.

        They keep their rows, also where a status makes them less uncertain.
        """
        before = self._review
        if review and before and np.array_equal(review.ids, before.ids):
            self._review = review
            self._columns = column_values(review, self._area)
        if self._review is not None:
            self._set_codes(self._review.ids, statuses)
        if self._status is not None or self._order[0] == STATUS:
            self._arrange()
        elif len(self._rows):
            # Cells keep their rows: a reset of the model would lose the selection.
            last = self.index(len(self._rows) - 1, STATUS)
            self.dataChanged.emit(self.index(0, 0), last)

    def set_filter(self, terms: tuple[Term, ...], status: StatusFilter) -> None:
        """List only cells that meet all conditions and have a status."""
        self._terms, self._status = terms, status
        self._arrange()

    def has_values(self, column: int) -> bool:
        """Return whether a column has a finite value for any cell."""
        values = self._columns.get(TABLE[column].name)
        return values is not None and bool(np.isfinite(values).any())

    def cell(self, row: int) -> int:
        """Return the id of the cell in a row."""
        assert self._review is not None
        return int(self._review.ids[self._rows[row]])

    def row_of(self, cell: int) -> int:
        """Return the row of a cell; -1 if it is not listed."""
        at = self._review.row(cell) if self._review else -1
        rows = np.flatnonzero(self._rows == at)
        return int(rows[0]) if at >= 0 and len(rows) else -1

    def undecided(self, row: int, by: int, without: Sequence[int] = ()) -> int:
        """Return the next cell that remains to be reviewed; 0 if there is none.

        Parameters
        ----------
        row
            Where to start; the search wraps around.
        by
            1 for the next cell, -1 for the previous one.
        without
            Cells to skip.
        """
        is_undecided = np.isin(self._statuses[self._rows], _UNDECIDED)
        if without and self._review is not None:
            is_undecided &= ~np.isin(self._review.ids[self._rows], without)
        remaining = np.flatnonzero(is_undecided)
        remaining = remaining[remaining != row]
        if not len(remaining):
            return 0
        ahead = remaining[remaining > row] if by > 0 else remaining[remaining < row]
        rows = ahead if len(ahead) else remaining
        return self.cell(int(rows[0] if by > 0 else rows[-1]))

    def progress(self) -> tuple[int, int, int]:
        """Return the numbers of cells that are decided on, of all, and to fix later.

        They include cells that the filter excludes.
        """
        counts = np.bincount(self._statuses, minlength=len(_CODES))
        return int(counts[1] + counts[2]), len(self._statuses), int(counts[3])

    def rejected(self) -> list[int]:
        """Return the rejected cells, including those that the filter excludes."""
        if self._review is None:
            return []
        rejected: list[int] = self._review.ids[self._statuses == 2].tolist()
        return rejected

    def _set_codes(
        self, ids: npt.NDArray[np.uint32], statuses: Mapping[int, CellStatus | None]
    ) -> None:
        """Set the codes of some statuses in the rows of their cells."""
        size = len(statuses)
        cells = np.fromiter(statuses, np.uint32, size)
        codes = np.fromiter(map(_CODE_OF.get, statuses.values()), np.int8, size)
        order = np.argsort(cells)
        cells, codes = cells[order], codes[order]
        at = np.searchsorted(cells, ids)
        at[at == size] = 0
        rows = np.flatnonzero(cells[at] == ids) if size else np.zeros(0, np.intp)
        self._statuses[rows] = codes[at[rows]]

    def _text(self, row: int, column: int) -> str:
        if column == STATUS:
            status = _CODES[self._statuses[row]]
            return STATUS_SIGNS[status] if status else ""
        shown = TABLE[column]
        return shown.text(float(self._columns[shown.name][row]))

    def _arrange(self) -> None:
        """Filter and sort the cells."""
        self.beginResetModel()
        size = len(self._statuses)
        kept = which(self._terms, self._columns, size) if size else np.zeros(0, bool)
        if self._status is not None:
            kept &= self._statuses == _CODES.index(self._status or None)
        self._rows = np.flatnonzero(kept)
        self._rows = self._rows[np.argsort(self._keys()[self._rows], kind="stable")]
        self.endResetModel()

    def _keys(self) -> npt.NDArray[np.float64]:
        """Return the sort keys of all cells; NumPy sorts NaN, for unknown, last."""
        column, order = self._order
        if not len(self._statuses):
            return np.zeros(0)
        if column == STATUS:
            keys = self._statuses.astype(np.float64)
        else:
            keys = self._columns[TABLE[column].name]
        # Keys are negated, not reversed: unknown values remain last in both orders.
        return keys if order == Qt.SortOrder.AscendingOrder else -keys


def column_at(name: str) -> int:
    """Return the index of a column in the table."""
    return [head.name for head in HEADS].index(name)
