"""A row that the program selects is the only one, whatever key is held."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractItemView, QApplication, QListWidget, QTableWidget

from cellpose_studio.ui.widgets.tables.select_row import select_row

CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.mark.parametrize("kind", [QListWidget, QTableWidget])
def test_ctrl_that_is_held_adds_no_row(qtbot, kind):
    view = kind()
    qtbot.addWidget(view)
    if isinstance(view, QTableWidget):
        view.setColumnCount(2)
        view.setRowCount(3)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    else:
        view.addItems(["a", "b", "c"])
    view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    view.show()
    select_row(view, view.model().index(0, 0))
    QTest.keyPress(view, Qt.Key.Key_Control, CONTROL)
    QTest.mousePress(view.horizontalScrollBar(), Qt.MouseButton.LeftButton, CONTROL)
    assert QApplication.keyboardModifiers() == CONTROL
    select_row(view, view.model().index(2, 0))
    QTest.mouseRelease(view.horizontalScrollBar(), Qt.MouseButton.LeftButton)
    assert {index.row() for index in view.selectedIndexes()} == {2}
    assert view.currentIndex().row() == 2
