"""Selects a row of a list or a table for the program."""

from __future__ import annotations

from qtpy.QtCore import QItemSelectionModel, QModelIndex
from qtpy.QtWidgets import QAbstractItemView

_FLAGS = QItemSelectionModel.SelectionFlag


def select_row(view: QAbstractItemView, index: QModelIndex) -> None:
    """Make a row the current one and the only one that is selected.

    The view's own `setCurrentIndex` would add the row to the selection while the user
    holds Ctrl, for a shortcut for example.
    """
    view.selectionModel().setCurrentIndex(index, _FLAGS.ClearAndSelect | _FLAGS.Rows)
