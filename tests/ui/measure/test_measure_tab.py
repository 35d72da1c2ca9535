"""The Measure tab in the window."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from cellpose_studio.core.display.cell_colours import UNKNOWN_RANK
from cellpose_studio.core.masks.edit import edit_between

LEFT, NOTHING = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def content(user, cells):
    """The content of the tab, with three cells of a file: squares of 10, 20 and 5."""
    path = cells("a.tif")
    masks = np.zeros((96, 128), np.uint16)
    masks[10:20, 10:20], masks[30:50, 30:50], masks[60:65, 60:65] = 1, 2, 3
    tifffile.imwrite(path.with_name("a_masks.tif"), masks)
    user.open(path)
    assert user.window.measure.content is None
    user.window.tabs.setCurrentWidget(user.window.measure)
    content = user.window.measure.content
    user.wait_for(lambda: len(content.rows) == 3)
    return content


def texts(content, name: str) -> list[str]:
    model = content.table.model
    at = [one.key for one in model.fields].index(name)
    return [model.index(row, at).data() for row in range(model.rowCount())]


def choose(box, data: str) -> None:
    box.setCurrentIndex(box.findData(data))
    box.activated.emit(box.currentIndex())


def click(content, qtbot, row: int) -> None:
    view = content.table.view
    place = view.visualRect(content.table.model.index(row, 1)).center()
    qtbot.mouseClick(view.viewport(), LEFT, NOTHING, place)


@pytest.mark.slow
def test_rows_and_cells_follow_each_other_and_edits(user, content, qtbot):
    window, selection = user.window, user.window.selection
    session, image = window.session, window.session.shown
    assert texts(content, "cell") == ["1", "2", "3"]
    assert content.count.text() == "3 cells"
    click(content, qtbot, 2)
    assert selection.cell == 3
    assert window.canvas.lines()["chosen"]
    selection.select(2)
    assert content.table.view.currentIndex().row() == 1
    qtbot.keyClick(content.table.view, Qt.Key.Key_Up)
    assert selection.cell == 1
    area = texts(content, "area")
    # A cell becomes smaller, and another one goes.
    labels = image.masks.array
    gone = np.zeros((50, 50), np.uint32)
    gone[:20, :10] = labels[10:30, 10:20]
    gone[50 - 10 :, 50 - 10 :] = labels[50:60, 50:60]
    part = (slice(10, 60), slice(10, 60))
    session.edit(image, edit_between("Erase", [2], labels, part, gone))
    user.wait_for(lambda: texts(content, "cell") == ["1", "3"])
    session.undo()
    user.wait_for(lambda: texts(content, "area") == area)
    content.table.filter.setText("area_px>90")
    user.wait_for(lambda: content.count.text() == "2 of 3 cells")
    content.copy_button.click()
    user.wait_idle()
    lines = QApplication.clipboard().text().splitlines()
    assert [line.split("\t")[0] for line in lines] == ["Cell", "1", "2"]
    line = content.table.filter
    right = line.grab().toImage().pixelColor(3, 3)
    line.setText("height>3")
    assert line.grab().toImage().pixelColor(3, 3) != right
    qtbot.keyClick(line, Qt.Key.Key_Escape)
    assert line.text() == ""
    for condition in ("touches_edge=0", "roundness<0.8"):
        assert condition in line.toolTip().replace("&lt;", "<")
        line.setText(condition)
        assert not line.property("wrong")


@pytest.mark.slow
def test_cells_are_coloured_by_a_measurement(user, content, qtbot):
    window, image = user.window, user.window.session.shown
    layer = window.canvas.model.layers["masks"]
    own = layer.picture.copy()
    area = content.rows.numbers[0]
    content.colour.setCurrentIndex(content.colour.findData(area.name))
    content.colour.activated.emit(content.colour.currentIndex())
    # The canvas is drawn with the next frame, the plot in a turn of its own.
    user.wait_for(lambda: int(layer.picture[62, 62] & 0x7F) == 1)
    ranks = [int(layer.picture[y, y] & 0x7F) for y in (15, 40, 62)]
    # The largest has the last colour of the scale, the smallest the first.
    assert ranks[1:] == [UNKNOWN_RANK - 1, 1]
    assert 1 < ranks[0] < UNKNOWN_RANK - 1
    user.wait_for(window.legend.isVisible)
    assert window.legend.text.startswith("Area")
    assert window.display.masks.colours.currentText().startswith("Area")
    # They stay while another tab is shown, and follow edits there.
    window.tabs.setCurrentWidget(window.segment)
    labels = image.masks.array
    part, gone = (slice(30, 50), slice(30, 50)), np.zeros((20, 20), np.uint32)
    window.session.edit(image, edit_between("Erase", [2], labels, part, gone))
    user.wait_for(lambda: int(layer.picture[15, 15] & 0x7F) == UNKNOWN_RANK - 1)
    window.session.undo()
    user.wait_idle()
    window.menus.actions["uncertainty"].trigger()
    assert content.colour.currentIndex() == 0
    window.menus.actions["uncertainty"].trigger()
    user.wait_for(lambda: np.array_equal(layer.picture, own))
    user.wait_for(window.legend.isHidden)


def drag(plot, left: float, right: float) -> None:
    """Drag over all between two values of the X axis."""
    view, box = plot.viewport(), plot.getViewBox()
    bottom, top = box.viewRange()[1]
    height = top - bottom
    start, end = (left, top - height / 20), (right, bottom + height / 20)
    places = [
        plot.mapFromScene(box.mapViewToScene(QPointF(*place)))
        for place in (start, end, end)
    ]
    kinds = ("MouseButtonPress", "MouseMove", "MouseButtonRelease")
    held = (LEFT, LEFT, Qt.MouseButton.NoButton)
    for kind, place, buttons in zip(kinds, places, held, strict=True):
        where = QPointF(place), QPointF(view.mapToGlobal(place))
        button = Qt.MouseButton.NoButton if kind == "MouseMove" else LEFT
        event = QMouseEvent(
            getattr(QEvent.Type, kind), *where, button, buttons, NOTHING
        )
        QApplication.sendEvent(view, event)


@pytest.mark.slow
def test_a_drag_over_a_plot_chooses_cells_on_the_image(user, content, qtbot):
    window, plots, selection = user.window, content.plots, user.window.selection
    area = content.rows.values["area_um2"]
    drag(plots.plot, area[2] - 0.5, area[0] + 0.5)
    assert selection.several == {1, 3}
    assert content.table.model.marked.tolist() == [0, 2]
    user.wait_for(lambda: window.canvas.lines().get("several", False))
    assert content.tables.to_copy().tolist() == [0, 2]
    # Commands for cells act on all of them.
    window.menus.actions["accept"].trigger()
    assert window.session.shown.statuses["masks"] == {1: "accepted", 3: "accepted"}
    # The user stays with them, in this tab.
    assert window.tabs.currentWidget() is window.measure
    assert selection.several == {1, 3}
    user.wait_for(lambda: texts(content, "status") == ["accepted", "", "accepted"])
    for command, status in (("reject", "rejected"), ("later", "later")):
        window.menus.actions[command].trigger()
        assert window.tabs.currentWidget() is window.measure
        assert window.session.shown.statuses["masks"] == {1: status, 3: status}
    window.selection.select(0, [1, 3])
    window.menus.actions["deleteCell"].trigger()
    user.wait_for(lambda: texts(content, "cell") == ["2"])
    window.session.undo()
    user.wait_for(lambda: texts(content, "cell") == ["1", "2", "3"])
    # A scatter plot of the cells that the filter leaves.
    content.table.filter.setText("area_px<200")
    choose(plots.kind, "scatter")
    user.wait_for(lambda: plots.plot._y is not None)
    drag(plots.plot, area[2] - 0.2, area[2] + 1)
    assert (selection.cell, selection.several) == (3, frozenset())
    user.wait_for(lambda: not window.canvas.lines()["several"])


def line_colours(plot) -> set[str]:
    return {one.opts["pen"].color().name() for one in plot.listDataItems()[-2:]}


@pytest.mark.slow
def test_plots_follow_rows_choices_and_the_theme(user, content, qtbot):
    window, plots, table = user.window, content.plots, content.table
    selection, plot = window.selection, plots.plot
    # Titles have no factor that a reader would have to multiply by.
    assert not plot.getAxis("bottom").autoSIPrefix
    # What a filter hides is not chosen any longer: commands would act on it.
    selection.select(0, [1, 2, 3])
    table.filter.setText("area_px<200")
    assert selection.several == {1, 3}
    assert content.count.text() == "2 of 3 cells · 2 chosen"
    # Another kind of plot, and another theme, show the same choice.
    choose(plots.kind, "scatter")
    user.wait_for(lambda: len(plot._marks.data) == 2)
    choose(plots.kind, "groups")
    user.wait_for(lambda: len(plot.listDataItems()) > 2)
    assert len(plot._marks.data) == 2
    before = line_colours(plot)
    # A plot that is not seen takes up the theme when it is shown.
    content.lower.set_folded(True)
    window.services.settings.theme = "light"
    assert line_colours(plot) == before
    content.lower.open_part(plots)
    user.wait_for(lambda: line_colours(plot) != before)
    assert len(plot._marks.data) == 2
    # With a filter that is not understood, the plot has the rows of the table.
    table.filter.setText("bogus>3")
    labels = window.session.shown.masks.array
    part = (slice(30, 50), slice(30, 50))
    gone = np.zeros((20, 20), np.uint32)
    window.session.edit(
        window.session.shown, edit_between("Erase", [2], labels, part, gone)
    )
    user.wait_for(lambda: len(content.rows) == 2)
    np.testing.assert_array_equal(plots._rows.values["cell"], [1, 3])
    user.wait_for(lambda: len(plot._x) == len(table.model.listed) == 2)


@pytest.mark.slow
def test_choices_of_colour_and_plot_outlast_an_image_without_masks(
    user, content, cells, qtbot
):
    plots, session = content.plots, user.window.session
    choose(content.colour, "solidity")
    choose(plots.x, "perimeter_um")
    width = content.table.view.columnWidth(2)
    content.table.view.setColumnWidth(2, width + 31)
    user.open(cells("empty.tif"))
    user.wait_idle()
    assert len(content.rows) == 0
    choose(content.scope, "cells")
    user.wait_for(lambda: len(content.rows) == 3)
    name = content.table.model.fields[3].name
    assert content.table.view.columnWidth(3) == width + 31, name
    session.show(session.images[0].source.key)
    choose(content.scope, "image")
    user.wait_for(lambda: len(content.rows) == 3)
    assert content.colour.currentData() == "solidity"
    assert plots.x.currentData() == "perimeter_um"


def test_what_changes_together_is_drawn_once(user, content, monkeypatch):
    plots, canvas = content.plots, user.window.canvas
    layer = canvas.model.layers["masks"]
    user.wait_idle()
    plotted, drawn = [], []
    show, draw = plots.plot.show_histogram, type(layer).draw_picture

    def shown(*given):
        plotted.append(given)
        show(*given)

    def drawn_by(layer, raw):
        drawn.append(raw)
        return draw(layer, raw)

    monkeypatch.setattr(plots.plot, "show_histogram", shown)
    monkeypatch.setattr(type(layer), "draw_picture", drawn_by)
    for name in (content.rows.numbers[0].name, content.rows.numbers[1].name, ""):
        choose(content.colour, name)
        content.table.filter.setText("area_px>0")
        content.table.filter.setText("")
    assert (plotted, drawn) == ([], [])
    user.wait_for(lambda: bool(plotted and drawn))
    user.wait_idle()
    assert (len(plotted), len(drawn)) == (1, 1)
