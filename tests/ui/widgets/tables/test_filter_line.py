"""A filter that is cleared gives the keyboard back to its list."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QListWidget, QToolButton, QVBoxLayout, QWidget

from cellpose_studio.ui.widgets.tables.filter_line import FilterLine


def test_the_list_has_the_focus_after_the_clear_button(qtbot):
    window, line, view = QWidget(), FilterLine("filter", "Filter"), QListWidget()
    qtbot.addWidget(window)
    column = QVBoxLayout(window)
    column.addWidget(line)
    column.addWidget(view)
    line.set_list(view)
    window.show()
    line.setFocus()
    qtbot.keyClicks(line, "abc")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert window.focusWidget() is line
    qtbot.mouseClick(line.findChild(QToolButton), Qt.MouseButton.LeftButton)
    assert line.text() == ""
    assert window.focusWidget() is view
