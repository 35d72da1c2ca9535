"""Names that begin alike can be told apart in tables and trees."""

from __future__ import annotations

from qtpy.QtCore import QEvent
from qtpy.QtGui import QHelpEvent
from qtpy.QtWidgets import QApplication, QTableWidget, QTableWidgetItem, QToolTip

from cellpose_studio.core.models.card import ModelCard
from cellpose_studio.core.models.training_round import TrainingRound
from cellpose_studio.ui.train.lineage import LineageTree
from cellpose_studio.ui.widgets.tables.whole_names import (
    NamesShortenedInside,
    can_be_told_apart,
    room_for,
)

LONG = "experiment of the last day of November, position {}, nuclei of the control.tif"


def test_a_text_that_does_not_fit_is_whole_in_its_tooltip(qtbot):
    table = QTableWidget(2, 1)
    qtbot.addWidget(table)
    table.setItemDelegate(NamesShortenedInside(table))
    for row, text in enumerate((LONG.format(1), "a.tif")):
        table.setItem(row, 0, QTableWidgetItem(text))
    table.show()
    for row, said in ((0, LONG.format(1)), (1, "")):
        QToolTip.hideText()
        qtbot.waitUntil(lambda: not QToolTip.isVisible())
        at = table.visualItemRect(table.item(row, 0)).center()
        place = table.viewport().mapToGlobal(at)
        event = QHelpEvent(QEvent.Type.ToolTip, at, place)
        QApplication.sendEvent(table.viewport(), event)
        assert QToolTip.isVisible() == bool(said)
        assert not said or QToolTip.text() == said


def test_names_that_differ_inside_need_more_room(qtbot):
    table = QTableWidget()
    qtbot.addWidget(table)
    letters = table.fontMetrics()
    names = [LONG.format(n) for n in (1, 2, 2)]
    assert not can_be_told_apart(letters, names, 150)
    assert can_be_told_apart(letters, names, room_for(letters, names[0]))
    assert can_be_told_apart(letters, [f"{LONG} {n}" for n in (1, 2)], 150)


def made(names):
    card = ModelCard(parent="", parent_sha256="", date="2026-11-30")
    return [TrainingRound(name=n, path=n, sha256=n, card=card) for n in names]


def test_the_names_of_trained_models_are_never_shortened(qtbot):
    tree = LineageTree()
    qtbot.addWidget(tree)
    tree.resize(420, 300)
    tree.show_rounds(made(["Nuclei", LONG.format(1), LONG.format(2), "x" * 99]))
    tree.show()
    qtbot.waitExposed(tree)
    rows = [tree.topLevelItem(n) for n in range(4)]

    def heights():
        return [tree.visualItemRect(row).height() for row in rows]

    line = tree.fontMetrics().height()
    qtbot.waitUntil(lambda: heights()[0] < heights()[1] == heights()[2])
    width = tree.columnWidth(0) - tree.indentation()
    needed = tree.fontMetrics().horizontalAdvance(LONG.format(1)) / width
    # One line more tells what it was made of. A word that is too long is broken.
    assert heights()[1] >= (int(needed) + 2) * line
    assert heights()[3] >= 4 * line
    wide = heights()[1]
    tree.resize(260, 300)
    qtbot.waitUntil(lambda: heights()[1] > wide)
    assert not tree.horizontalScrollBar().isVisible()
    assert rows[1].text(0).startswith(LONG.format(1))
