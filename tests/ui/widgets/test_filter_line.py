"""A filter that is cleared gives the keyboard back to its list."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QListWidget, QToolButton, QVBoxLayout, QWidget

from cellpose_studio.ui.widgets.filter_line import FilterLine


@pytest.mark.parametrize("by", ["clear button", "Enter"])
def test_the_list_has_the_focus_afterwards(qtbot, by):
    window, line, view = QWidget(), FilterLine("filter", "Filter"), QListWidget()
    qtbot.addWidget(window)
    column = QVBoxLayout(window)
    column.addWidget(line)
    column.addWidget(view)
    line.set_list(view)
    window.show()
    line.setFocus()
    qtbot.keyClicks(line, "abc")
    if by == "Enter":
        qtbot.keyClick(line, Qt.Key.Key_Return)
    else:
        qtbot.mouseClick(line.findChild(QToolButton), Qt.MouseButton.LeftButton)
    assert line.text() == ("abc" if by == "Enter" else "")
    assert window.focusWidget() is view
