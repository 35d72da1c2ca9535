"""Table of measurements with a filter above it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QAbstractItemView,
    QShortcut,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.ui.measure.table.model import (
    MeasurementModel,
    shortened,
    terms_of,
)
from cellpose_studio.ui.measure.table.rows import Rows
from cellpose_studio.ui.widgets.tables.filter_line import FilterLine
from cellpose_studio.ui.widgets.tables.select_row import select_row
from cellpose_studio.ui.widgets.tables.table_of_cells import fit_rows, table_of_cells
from cellpose_studio.ui.widgets.tables.whole_names import (
    NamesShortenedInside,
    can_be_told_apart,
)

_TIP = (
    "<qt>Show only cells that meet all conditions: <b>area&gt;50</b>, "
    "<b>roundness&lt;0.8 touches_edge=0</b>, <b>status=accepted</b>, "
    "<b>condition=drug</b>, or the number of a cell. The plots show the same "
    "cells.</qt>"
)
_PADDING = 14
"""Of a title and of a text, px."""
_NARROWEST = 26  # px
_WIDEST = 24
"""Letters of texts that are shown, if their title is not longer, and they differ."""
_SAMPLE = 200
"""Rows whose texts are measured."""

Indices = npt.NDArray[np.intp]


class MeasurementTable(QWidget):
    """Lists measured cells to choose from."""

    chosen = Signal(int)  # index of a row, by the mouse or the arrow keys
    several_chosen = Signal(object)  # indices of the selected rows, at least two
    rows_changed = Signal()  # other rows are listed than before
    copy_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.model = MeasurementModel()
        self._following = False
        self._widths: dict[str, int] = {}
        self.filter = FilterLine("measureFilter", "Filter: area>50 roundness<0.8")
        self.filter.setAccessibleName("Filter the rows")
        self.filter.setToolTip(_TIP)
        self.view = _view(self.model)
        self.view.setAccessibleName("Measurements")
        self.view.setToolTip("Click a row to see the cell; a title sorts by it.")
        self.filter.set_list(self.view)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.filter)
        column.addWidget(self.view, 1)
        self.filter.textChanged.connect(lambda _: self._apply_filter())
        self.model.modelReset.connect(self._on_reset)
        selection = self.view.selectionModel()
        # Both signals are needed: the mouse makes a row current before it selects it,
        # the keys after.
        selection.currentRowChanged.connect(self._on_selected)
        selection.selectionChanged.connect(self._on_selected)
        copy = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self.view)
        copy.setContext(Qt.ShortcutContext.WidgetShortcut)
        copy.activated.connect(self.copy_requested)

    def show(self, rows: Rows, keys: Collection[str]) -> None:
        """List rows with the columns of some keys."""
        # Without rows, a column has the width of its title alone.
        if len(self.model.rows):
            for at, one in enumerate(self.model.fields):
                self._widths[one.name] = self.view.columnWidth(at)
        terms, error = None, ""
        # A condition may name a column that these rows have, or lack.
        try:
            terms = terms_of(self.filter.text(), rows)
        except ValueError as wrong:
            error = str(wrong)
        self._following = True
        self.model.show(rows, keys, terms)
        self._following = False
        self._show_error(error)
        self.rows_changed.emit()
        # Qt keeps the widths of positions, which have other columns now.
        for at, one in enumerate(self.model.fields):
            if one.name in self._widths:
                self.view.setColumnWidth(at, self._widths[one.name])
            else:
                self._fit(at)
        at, order = self.model.sorted_by
        self.view.horizontalHeader().setSortIndicator(at, order)

    def follow(self, row: int) -> None:
        """Select a row that was chosen elsewhere; -1 for none."""
        at = self.model.position(row)
        if at == self._current():
            return
        self._following = True
        if at >= 0:
            select_row(self.view, self.model.index(at, 0))
        else:
            self.view.selectionModel().clear()
        self._following = False

    def mark(self, rows: Sequence[int] | Indices) -> None:
        """Mark rows that were chosen together; one row is selected instead."""
        self.model.set_marked(rows if len(rows) > 1 else ())
        at = self.model.positions(rows)
        if len(at) > 1 and len(self.selected()) < 2:
            self.view.scrollTo(self.model.index(int(at[0]), 0))

    def selected(self) -> list[int]:
        """Return the indices of the selected rows, from top to bottom."""
        found = self.view.selectionModel().selectedRows()
        places = sorted(index.row() for index in found)
        return [int(self.model.listed[at]) for at in places]

    def _apply_filter(self) -> None:
        """Apply the filter; show an error if it is not understood."""
        self._following = True
        try:
            self.model.set_filter(self.filter.text())
        except ValueError as error:
            # The rows stay as they are while a condition is being typed.
            self._show_error(str(error))
        else:
            self._show_error("")
            self.rows_changed.emit()
        finally:
            self._following = False

    def _show_error(self, message: str) -> None:
        """Show an error at the filter; "" removes it."""
        self.filter.setToolTip(message or _TIP)
        self.filter.setProperty("wrong", bool(message))
        # Qt evaluates properties in style sheets only when a widget is polished.
        self.filter.style().unpolish(self.filter)
        self.filter.style().polish(self.filter)

    def _on_reset(self) -> None:
        # Sorting by a click on a title lists the same rows in another order.
        if not self._following:
            self.rows_changed.emit()

    def _on_selected(self, *_: object) -> None:
        if self._following:
            return
        selected = self.selected()
        if len(selected) > 1:
            self.several_chosen.emit(selected)
        elif (at := self._current()) >= 0:
            self.chosen.emit(int(self.model.listed[at]))

    def changeEvent(self, event: QEvent) -> None:
        """Follow other letters; Qt calls this."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            fit_rows(self.view)
            self._widths.clear()
            for at in range(len(self.model.fields)):
                self._fit(at)

    def _current(self) -> int:
        """Return the row that is current and selected, -1 for none."""
        current = self.view.currentIndex()
        selected = self.view.selectionModel().isSelected(current)
        return int(current.row()) if current.isValid() and selected else -1

    def _fit(self, at: int) -> None:
        """Give a column the room of its title, and of some of the texts in it."""
        one, letters = self.model.fields[at], self.view.fontMetrics()
        title = letters.horizontalAdvance(shortened(one.heading))
        long = self.model.long_texts(at, _SAMPLE)
        values = max(map(letters.horizontalAdvance, long), default=0)
        width = max(title, values, _NARROWEST) + _PADDING
        if one.is_text:
            widest = max(title, letters.averageCharWidth() * _WIDEST) + _PADDING
            # Names of images often differ in a part that would be left out.
            if can_be_told_apart(letters, long, widest):
                width = min(width, widest)
        self.view.setColumnWidth(at, width)


def _view(model: MeasurementModel) -> QTableView:
    view = table_of_cells(model, "measurements")
    view.setItemDelegate(NamesShortenedInside(view))
    view.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
    view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    return view
