"""What all tables of cells have in common."""

from __future__ import annotations

from qtpy.QtCore import QAbstractItemModel, Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView


def table_of_cells(model: QAbstractItemModel, name: str) -> QTableView:
    """Return a table that can be sorted, and of which rows are selected.

    Parameters
    ----------
    name
        Its object name.
    """
    view = QTableView(objectName=name)
    view.setModel(model)
    view.setSortingEnabled(True)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    view.setShowGrid(False)
    view.setWordWrap(False)
    # A number is never elided: its first digits would be read as another number.
    view.setTextElideMode(Qt.TextElideMode.ElideNone)
    # The Tab key leaves the table, instead of moving from cell to cell in it.
    view.setTabKeyNavigation(False)
    view.horizontalHeader().setHighlightSections(False)
    # With a fixed height, Qt does not compute the heights of 50,000 rows.
    rows = view.verticalHeader()
    rows.hide()
    rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    fit_rows(view)
    return view


def fit_rows(view: QTableView) -> None:
    """Make all rows as high as the letters need."""
    view.verticalHeader().setDefaultSectionSize(view.fontMetrics().height() + 6)
