"""Qt model of the table of measurements."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QAbstractTableModel, QLocale, QModelIndex, Qt
from qtpy.QtGui import QColor

from cellpose_studio.core.review.columns import UNKNOWN
from cellpose_studio.core.review.filter import Term, parsed, which
from cellpose_studio.ui.measure.table.rows import (
    CELL,
    IMAGE,
    SUMMARY,
    TIME,
    Field,
    Rows,
)

_ROLES = Qt.ItemDataRole
_MARKED = QColor(255, 212, 0, 70)
"""Background of marked rows, legible on both themes."""
_DIGITS, _MOST_DECIMALS = 4, 6
_LONGEST = 40
"""Letters of a title; its tooltip has all of it."""

Indices = npt.NDArray[np.intp]

ALWAYS = (IMAGE, CELL, TIME, SUMMARY)
"""Columns that are shown without being chosen."""


class MeasurementModel(QAbstractTableModel):
    """Lists the rows that pass the filter, in the order of a column."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = Rows()
        self.fields: tuple[Field, ...] = ()
        self._decimals: dict[str, int] = {}
        self._listed: Indices = np.zeros(0, np.intp)
        self._position: Indices = np.zeros(0, np.intp)
        self._is_marked = np.zeros(0, bool)
        self._terms: tuple[Term, ...] = ()
        # At first, rows are in the order of the images, the time points and the cells.
        self._order: tuple[str, Qt.SortOrder] = ("", Qt.SortOrder.AscendingOrder)

    # Methods that Qt calls

    def rowCount(self, _: QModelIndex | None = None) -> int:
        """Return the number of listed rows."""
        return len(self._listed)

    def columnCount(self, _: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return len(self.fields)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = _ROLES.DisplayRole
    ) -> Any:
        """Return the title of a column, or what it means."""
        if orientation != Qt.Orientation.Horizontal or section >= len(self.fields):
            return None
        one = self.fields[section]
        if role == _ROLES.DisplayRole:
            return shortened(one.heading)
        if role == _ROLES.ToolTipRole:
            return f"<qt><b>{one.heading}</b> ({one.name}). {one.tip}</qt>"
        return None

    def data(self, index: QModelIndex, role: int = _ROLES.DisplayRole) -> Any:
        """Return the text of a cell in a column."""
        one = self.fields[index.column()]
        if role == _ROLES.DisplayRole:
            value = self.rows.values[one.name][self._listed[index.row()]]
            return text_of(value, one, self._decimals_of(one))
        if role == _ROLES.TextAlignmentRole:
            side = "AlignLeft" if one.is_text else "AlignRight"
            return getattr(Qt.AlignmentFlag, side) | Qt.AlignmentFlag.AlignVCenter
        if role == _ROLES.BackgroundRole and self._is_marked[self._listed[index.row()]]:
            return _MARKED
        return None

    def sort(
        self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder
    ) -> None:
        """Sort the rows by a column."""
        if 0 <= column < len(self.fields):
            self._order = (self.fields[column].name, order)
            self._arrange()

    # Contents

    def show(
        self, rows: Rows, keys: Collection[str], terms: tuple[Term, ...] | None = None
    ) -> None:
        """List rows with the columns of some keys.

        ``terms`` are the conditions that they have to meet; None for those before.
        """
        if terms is not None:
            self._terms = terms
        self.beginResetModel()
        if rows is not self.rows:
            self._decimals.clear()
        self.rows = rows
        self.fields = rows.shown({*keys, *ALWAYS})
        if len(self._is_marked) != len(rows):
            self._is_marked = np.zeros(len(rows), bool)
        self._list()
        self.endResetModel()

    def set_filter(self, text: str) -> None:
        """List only rows that meet all conditions.

        Raises
        ------
        ValueError
            With a sentence that says what is not understood.
        """
        self._terms = terms_of(text, self.rows)
        self._arrange()

    def set_marked(self, rows: Sequence[int] | Indices) -> None:
        """Mark rows, by their indices, and no others."""
        self._is_marked = np.zeros(len(self.rows), bool)
        self._is_marked[np.asarray(rows, np.intp)] = True
        if len(self._listed) and self.fields:
            last = self.index(len(self._listed) - 1, len(self.fields) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    @property
    def marked(self) -> Indices:
        """The indices of the marked rows."""
        return np.flatnonzero(self._is_marked)

    @property
    def sorted_by(self) -> tuple[int, Qt.SortOrder]:
        """The column that the rows are sorted by, -1 if it is not shown, and how."""
        names = [one.name for one in self.fields]
        name, order = self._order
        return names.index(name) if name in names else -1, order

    @property
    def listed(self) -> Indices:
        """The indices in `rows` of the listed rows, from top to bottom."""
        return self._listed

    def position(self, row: int) -> int:
        """Return where the row of that index is listed; -1 if it is not."""
        return int(self._position[row]) if 0 <= row < len(self._position) else -1

    def positions(self, rows: Sequence[int] | Indices) -> Indices:
        """Return where rows are listed, ascending, without those that are not."""
        found = self._position[np.asarray(rows, np.intp)]
        return np.sort(found[found >= 0])

    def long_texts(self, column: int, sample: int) -> list[str]:
        """Return some texts of a column, from all rows, or its longest numbers."""
        one = self.fields[column]
        values = self.rows.values[one.name]
        if one.is_text:
            # The first rows alone may be those of one image.
            return [str(value) for value in values[:: len(values) // sample + 1]]
        known = values[~np.isnan(values)]
        ends = [known.min(), known.max()] if len(known) else []
        return [text_of(value, one, self._decimals_of(one)) for value in ends]

    def _decimals_of(self, one: Field) -> int:
        """Return how many decimals a column has, so that its numbers line up."""
        if one.name not in self._decimals:
            self._decimals[one.name] = decimals(self.rows.values[one.name], one)
        return self._decimals[one.name]

    def _arrange(self) -> None:
        self.beginResetModel()
        self._list()
        self.endResetModel()

    def _list(self) -> None:
        """Filter and sort the rows."""
        size = len(self.rows)
        # A column of the filter may not be there in other rows.
        known = tuple(t for t in self._terms if t.name in self.rows.by_name)
        kept = np.flatnonzero(which(known, self.rows.values, size))
        name, order = self._order
        if name in self.rows.by_name:
            keys = sort_keys(self.rows.values[name][kept])
            # Keys are negated, not reversed: unknown values remain last.
            falling = order == Qt.SortOrder.DescendingOrder
            kept = kept[np.argsort(-keys if falling else keys, kind="stable")]
        self._listed = kept
        self._position = np.full(size, -1, np.intp)
        self._position[kept] = np.arange(len(kept))


def terms_of(text: str, rows: Rows) -> tuple[Term, ...]:
    """Return the conditions of a filter for rows.

    Raises
    ------
    ValueError
        With a sentence that says what is not understood.
    """
    return parsed(text, rows.find, rows.texts)


def sort_keys(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return numbers that sort like values; NaN, which is last, for unknown ones."""
    if values.dtype.kind != "U":
        return values.astype(np.float64)
    words, keys = np.unique(values, return_inverse=True)
    found = keys.astype(np.float64)
    found[(words == "")[keys]] = np.nan
    return found


def decimals(values: npt.NDArray[Any], one: Field) -> int:
    """Return with how many decimals half of the values have four digits or more."""
    if one.kind != "number" or not np.isfinite(values).any():
        return 0
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    if not len(sizes):
        return 0
    whole = int(np.floor(np.log10(np.median(sizes))))
    return min(max(_DIGITS - 1 - whole, 0), _MOST_DECIMALS)


def shortened(title: str) -> str:
    """Return a title, of which Qt would cut off both ends if it were too long."""
    return title if len(title) <= _LONGEST else f"{title[: _LONGEST - 1]}…"


def text_of(value: Any, one: Field, places: int) -> str:
    """Return how a value is written, with the decimal sign of the user's language."""
    if one.is_text:
        return str(value)
    if np.isnan(value):
        return UNKNOWN
    if one.kind == "yes or no":
        return "yes" if value else ""
    return number_text(value, places)


def number_text(value: float, places: int) -> str:
    """Return a number with the signs of the user's language, grouped if that is on."""
    # A character in Qt 5, a string in Qt 6.
    locale = QLocale()
    omits = locale.numberOptions() & QLocale.NumberOption.OmitGroupSeparator
    signs = {".": decimal_point(), ",": "" if omits else str(locale.groupSeparator())}
    return "".join(signs.get(one, one) for one in f"{value:,.{places}f}")


def decimal_point() -> str:
    """Return the decimal sign of the user's language."""
    # A character in Qt 5, a string in Qt 6.
    return str(QLocale().decimalPoint())
