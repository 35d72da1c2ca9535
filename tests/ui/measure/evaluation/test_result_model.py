"""The tables of an evaluation: their order, and what stays selected."""

from __future__ import annotations

import math

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QTableView

from cellpose_studio.ui.measure.evaluation.model import ResultModel, TableHead

HEADS = (TableHead("Image", "Its name."), TableHead("AP", "Average precision."))
DOWN = Qt.SortOrder.DescendingOrder


def test_rows_keep_the_order_that_was_chosen(qtbot):
    view = QTableView()
    qtbot.addWidget(view)
    model = ResultModel(HEADS, view)
    view.setModel(model)
    view.setSortingEnabled(True)
    view.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
    model.show([("a", 0.2), ("b", math.nan), ("c", 0.8)], tips=("1", "2", "3"))
    assert names(model) == ["a", "b", "c"]
    view.selectRow(0)
    view.sortByColumn(1, DOWN)
    # What is unknown comes last, and the selected row goes along.
    assert names(model) == ["c", "a", "b"]
    assert view.currentIndex().data() == "a"
    assert model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole) == "<qt>3</qt>"
    model.show([("d", 0.1), ("e", 0.9)])
    assert names(model) == ["e", "d"]


def names(model: ResultModel) -> list[str]:
    return [model.index(row, 0).data() for row in range(model.rowCount())]
