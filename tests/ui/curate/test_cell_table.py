"""The table of cells alone: its titles at any width."""

from __future__ import annotations

from qtpy.QtCore import Qt

from cellpose_studio.ui.curate.cell_table import ReviewTable
from cellpose_studio.ui.curate.cell_table_model import HEADS, column_at


def test_the_longest_title_has_the_room_that_is_left_or_is_shortened(qtbot):
    table = ReviewTable()
    qtbot.addWidget(table)
    table.setVisible(True)
    at, area = column_at("uncertainty"), column_at("area")
    narrow = sum(head.width for head in HEADS)
    titles = {}
    for width in (narrow, narrow + 200, narrow):
        table.resize(width + 10, 300)
        qtbot.wait(20)
        horizontal = Qt.Orientation.Horizontal
        title = titles[width] = table.model.headerData(at, horizontal)
        metrics = table.view.horizontalHeader().fontMetrics()
        assert metrics.horizontalAdvance(title) < table.view.columnWidth(at)
        assert table.view.columnWidth(area) >= HEADS[area].width
    assert titles[narrow + 200] == "Uncertainty"
    assert titles[narrow].startswith("Unc")
    assert titles[narrow].endswith("…")
