"""Going through the cells of an image, one after another."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QItemSelectionModel, Qt

from cellpose_studio.app.project.project import Project
from cellpose_studio.app.settings import Settings
from cellpose_studio.core.display.label_marks import ACCEPTED, LATER, REJECTED
from cellpose_studio.ui.canvas.camera import zoom_for
from cellpose_studio.ui.curate.cell_table_model import column_at
from cellpose_studio.ui.window.main_window import MainWindow

FLAGS = QItemSelectionModel.SelectionFlag
KEY = Qt.Key


@pytest.fixture
def curate(user, cells):
    """The Curate tab with 12 cells of a run; one was cut to be the smallest."""
    user.open(cells("a.tif"))
    image = user.run()
    panel = user.window.curate
    user.window.tabs.setCurrentWidget(panel)
    wait_for_cells(user, image.masks.cells)
    return panel


def wait_for_cells(user, count: int) -> None:
    model = user.window.curate.table.model
    user.wait_for(lambda: model.rowCount() == count)
    user.wait_idle()


def canvas(user):
    return user.window.canvas.widget.canvas.native


def column(panel, name: str) -> list[str]:
    model = panel.table.model
    at = column_at(name)
    return [model.index(row, at).data() for row in range(model.rowCount())]


def listed(panel) -> list[int]:
    return [int(cell) for cell in column(panel, "cell")]


def middle_of(image, cell: int) -> np.ndarray:
    """Return where the middle of a cell is in the world, the last two axes."""
    where = np.argwhere(image.masks.array == cell)
    return where.mean(axis=0) * image.source.label_scale


@pytest.mark.slow
def test_the_most_uncertain_cells_come_first(user, curate):
    uncertainties = [
        float(uncertainty) for uncertainty in column(curate, "uncertainty")
    ]
    assert uncertainties == sorted(uncertainties, reverse=True)
    assert len(uncertainties) == 12
    assert curate.progress.text() == "0 of 12 reviewed"


@pytest.mark.slow
def test_n_flies_to_the_next_cell_and_outlines_it(user, curate, qtbot):
    window, image = user.window, user.window.session.shown
    order = listed(curate)
    for cell in order[:3]:
        qtbot.keyClick(canvas(user), KEY.Key_N)
        assert window.selection.cell == cell
        center = window.canvas.model.scene.camera.center[-2:]
        np.testing.assert_allclose(center, middle_of(image, cell), atol=0.6)
        assert curate.table.view.currentIndex().row() == order.index(cell)
    qtbot.keyClick(canvas(user), KEY.Key_N, Qt.KeyboardModifier.ShiftModifier)
    assert window.selection.cell == order[1]
    seen = window.canvas.widget.screenshot(flash=False)[..., :3].astype(int)
    yellow = (seen[..., 0] > 240) & (abs(seen[..., 1] - 212) < 12) & (seen[..., 2] < 20)
    assert yellow.sum() > 50


@pytest.mark.slow
@pytest.mark.parametrize("where", ["canvas", "table"])
def test_keys_decide_and_go_on_to_the_next(user, curate, qtbot, where):
    window, image = user.window, user.window.session.shown
    widget = canvas(user) if where == "canvas" else curate.table.view
    widget.setFocus()
    order = listed(curate)
    qtbot.keyClick(widget, KEY.Key_N)
    for key in (KEY.Key_Return, KEY.Key_Backspace, KEY.Key_Q):
        qtbot.keyClick(widget, key)
    assert image.statuses["cells"] == {
        order[0]: "accepted",
        order[1]: "rejected",
        order[2]: "later",
    }
    assert window.selection.cell == order[3]
    assert column(curate, "status")[:4] == ["✓", "✗", "…", ""]
    assert curate.progress.text() == "2 of 12 reviewed, 1 for later"
    assert curate.bar.value() == 2


@pytest.mark.slow
def test_a_decision_moves_the_view_only_to_a_cell_out_of_view(user, curate, qtbot):
    image, camera = user.window.session.shown, user.window.canvas.camera
    order = listed(curate)
    user.window.selection.select(order[0])
    before = camera.center
    qtbot.keyClick(canvas(user), KEY.Key_Return)
    assert user.window.selection.cell == order[1]
    assert camera.center == before
    box = image.masks.pixels.cell_table().box(order[2])
    # At this zoom, the next cell lies out of view.
    camera.center_on(middle_of(image, order[1]).tolist(), 4)
    before = camera.center
    qtbot.keyClick(canvas(user), KEY.Key_Return)
    assert camera.center != before
    rows, columns = camera.part_in_view()
    assert rows.start <= box[0].start < box[0].stop <= rows.stop
    assert columns.start <= box[1].start < box[1].stop <= columns.stop


@pytest.mark.slow
def test_what_was_kept_for_later_comes_at_the_end(user, curate, qtbot):
    order = listed(curate)
    qtbot.keyClick(canvas(user), KEY.Key_N)
    qtbot.keyClick(canvas(user), KEY.Key_Q)
    for _ in order[1:]:
        qtbot.keyClick(canvas(user), KEY.Key_Return)
    assert user.window.selection.cell == order[0]
    qtbot.keyClick(canvas(user), KEY.Key_Backspace)
    assert curate.progress.text() == "12 of 12 reviewed"
    user.wait_for(lambda: not curate.buttons["nextCell"].isEnabled())
    qtbot.keyClick(canvas(user), KEY.Key_N)


@pytest.mark.slow
def test_keys_do_nothing_while_text_is_typed(user, curate, qtbot):
    image = user.window.session.shown
    qtbot.keyClick(canvas(user), KEY.Key_N)
    cell = user.window.selection.cell
    curate.table.filter.setFocus()
    qtbot.waitUntil(curate.table.filter.hasFocus)
    for key in (KEY.Key_N, KEY.Key_Q, KEY.Key_Backspace, KEY.Key_Return, KEY.Key_Enter):
        qtbot.keyClick(curate.table.filter, key)
    assert curate.table.filter.text() == "n"
    assert image.statuses == {}
    curate.table.filter.clear()
    assert user.window.selection.cell == cell


@pytest.mark.slow
def test_a_row_that_is_clicked_is_flown_to(user, curate, qtbot):
    image, view = user.window.session.shown, curate.table.view
    cell = listed(curate)[4]
    spot = view.visualRect(curate.table.model.index(4, 1)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert user.window.selection.cell == cell
    center = user.window.canvas.model.scene.camera.center[-2:]
    np.testing.assert_allclose(center, middle_of(image, cell), atol=0.6)


@pytest.mark.slow
def test_a_cell_that_is_chosen_elsewhere_marks_its_row_and_stays_in_place(user, curate):
    before = user.window.canvas.model.scene.camera.center
    user.window.selection.select(listed(curate)[7])
    assert curate.table.view.currentIndex().row() == 7
    assert user.window.canvas.model.scene.camera.center == before


@pytest.mark.slow
def test_several_rows_are_decided_on_at_once(user, curate, qtbot):
    order, view = listed(curate), curate.table.view
    view.selectRow(1)
    for row in (2, 3):
        spot = view.visualRect(curate.table.model.index(row, 1)).center()
        qtbot.mouseClick(
            view.viewport(),
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.ControlModifier,
            spot,
        )
    qtbot.keyClick(view, KEY.Key_Backspace)
    statuses = user.window.session.shown.statuses["cells"]
    assert statuses == dict.fromkeys(order[1:4], "rejected")
    assert user.window.selection.cell == order[4]
    assert user.window.session.undo_text == "Reject 3 cells"


@pytest.mark.slow
def test_the_selected_rows_are_merged_into_the_chosen_cell(user, curate):
    order, view, image = listed(curate), curate.table.view, user.window.session.shown
    user.wait_for(lambda: not curate.buttons["mergeCells"].isEnabled())
    for row in (3, 4):
        view.selectionModel().select(
            curate.table.model.index(row, 0), FLAGS.Select | FLAGS.Rows
        )
    view.selectionModel().setCurrentIndex(
        curate.table.model.index(1, 0), FLAGS.Select | FLAGS.Rows
    )
    user.wait_for(curate.buttons["mergeCells"].isEnabled)
    curate.buttons["mergeCells"].click()
    user.wait_idle()
    assert image.masks.cells == 10
    assert {order[3], order[4]}.isdisjoint(image.masks.pixels.cell_table().ids())
    assert user.window.selection.cell == order[1]
    assert user.window.session.undo_text == "Merge cells"


@pytest.mark.slow
def test_a_filter_shows_some_cells_and_says_what_it_does_not_understand(user, curate):
    table = curate.table
    areas = sorted(user.window.background.measurer.review.shapes.pixels.tolist())
    table.filter.setText(f"px<{areas[5]}")
    assert table.model.rowCount() == sum(area < areas[5] for area in areas)
    table.filter.setText("area<")
    assert "not understood" in table.filter.toolTip()
    assert table.filter.property("wrong")
    table.filter.setText("")
    assert table.model.rowCount() == 12
    assert not table.filter.property("wrong")
    assert curate.progress.text() == "0 of 12 reviewed"


@pytest.mark.slow
def test_the_status_filter_keeps_the_queue_going(user, curate, qtbot):
    order = listed(curate)
    curate.table.status.setCurrentText("To review")
    qtbot.keyClick(canvas(user), KEY.Key_N)
    qtbot.keyClick(canvas(user), KEY.Key_Return)
    assert listed(curate) == order[1:]
    assert user.window.selection.cell == order[1]
    assert curate.table.view.currentIndex().row() == 0
    curate.table.status.setCurrentText("Accepted")
    assert listed(curate) == order[:1]


@pytest.mark.slow
def test_a_click_on_a_head_sorts(user, curate, qtbot):
    heads = curate.table.view.horizontalHeader()
    at = column_at("area")
    spot = heads.sectionViewportPosition(at) + 5
    for _ in range(2):
        qtbot.mouseClick(
            heads.viewport(),
            Qt.MouseButton.LeftButton,
            pos=heads.rect().topLeft() + type(heads.rect().topLeft())(spot, 5),
        )
        areas = [float(area) for area in column(curate, "area")]
        assert areas in (sorted(areas), sorted(areas, reverse=True))
    assert len(set(areas)) > 1


@pytest.mark.slow
def test_rejected_cells_are_deleted_as_one_step(user, curate, qtbot):
    image, order = user.window.session.shown, listed(curate)
    user.wait_for(lambda: not curate.buttons["deleteRejected"].isEnabled())
    qtbot.keyClick(canvas(user), KEY.Key_N)
    qtbot.keyClick(canvas(user), KEY.Key_Backspace)
    qtbot.keyClick(canvas(user), KEY.Key_Backspace)
    assert curate.buttons["deleteRejected"].text() == "Delete 2 rejected cells"
    qtbot.mouseClick(curate.buttons["deleteRejected"], Qt.MouseButton.LeftButton)
    wait_for_cells(user, 10)
    assert not np.isin(image.masks.array, order[:2]).any()
    assert curate.progress.text() == "0 of 10 reviewed"
    user.window.session.undo()
    wait_for_cells(user, 12)
    assert curate.progress.text() == "2 of 12 reviewed"


@pytest.mark.slow
def test_undo_shows_the_cell_it_is_about(user, curate, qtbot):
    order = listed(curate)
    qtbot.keyClick(canvas(user), KEY.Key_N)
    qtbot.keyClick(canvas(user), KEY.Key_Return)
    qtbot.keyClick(canvas(user), KEY.Key_N)
    user.window.session.undo()
    assert user.window.selection.cell == order[0]
    assert curate.progress.text() == "0 of 12 reviewed"


@pytest.mark.slow
def test_edits_are_followed(user, curate):
    image, cell = user.window.session.shown, listed(curate)[0]
    user.window.selection.select(cell)
    user.window.tools.edits.delete([cell])
    wait_for_cells(user, 11)
    assert cell not in listed(curate)
    assert user.window.selection.cell == 0
    assert image.masks.cells == 11


@pytest.mark.slow
def test_the_keys_bring_the_tab_to_the_front(user, cells, qtbot):
    user.open(cells("a.tif"))
    user.run()
    assert user.window.tabs.currentWidget() is user.window.segment
    qtbot.keyClick(canvas(user), KEY.Key_N)
    user.wait_for(lambda: user.window.selection.cell != 0)
    assert user.window.tabs.currentWidget() is user.window.curate


@pytest.mark.slow
def test_a_cell_in_a_stack_is_shown_in_its_plane(user, cells, qtbot):
    path = cells("stack.tif", (5, 64, 64), "ZYX")
    masks = np.zeros((5, 64, 64), np.uint16)
    masks[3:, 10:20, 10:20] = 7
    masks[4, 10:30, 10:20] = 7
    tifffile.imwrite(path.with_name("stack_masks.tif"), masks)
    user.open(path)
    user.window.tabs.setCurrentWidget(user.window.curate)
    wait_for_cells(user, 1)
    qtbot.keyClick(canvas(user), KEY.Key_N)
    assert user.window.canvas.planes == {"Z": 4}
    horizontal = Qt.Orientation.Horizontal
    heads = [user.window.curate.table.model.headerData(n, horizontal) for n in range(8)]
    assert "Volume" in heads
    assert "Area" not in heads


def test_nothing_to_review_is_quiet(user, cells, qtbot):
    panel = user.window.curate
    user.window.tabs.setCurrentWidget(panel)
    assert panel.empty.isVisible()
    assert panel.empty.text() == "Open an image to review its cells."
    press_all(user, qtbot)
    user.open(cells("a.tif"))
    assert panel.empty.text().startswith("No cells yet.")
    press_all(user, qtbot)
    assert len(user.window.session.undo_stack) == 0
    assert user.message == ""


def press_all(user, qtbot) -> None:
    for key in (KEY.Key_N, KEY.Key_Return, KEY.Key_Backspace, KEY.Key_Q):
        qtbot.keyClick(user.window, key)
    user.window.menus.actions["deleteRejected"].trigger()


@pytest.mark.slow
def test_what_was_decided_is_there_when_the_project_is_opened_again(
    user, curate, qtbot, tmp_path
):
    order = listed(curate)
    qtbot.keyClick(canvas(user), KEY.Key_N)
    qtbot.keyClick(canvas(user), KEY.Key_Return)
    qtbot.keyClick(canvas(user), KEY.Key_Backspace)
    path = user.window.session.project.path
    user.window.close()
    again = MainWindow(Settings.load(tmp_path / "settings.json"), Project.open(path))
    again.show()
    again.projects.opened.emit()
    again.session.show(next(iter(again.session.images)).source.key)
    again.tabs.setCurrentWidget(again.curate)
    qtbot.waitUntil(lambda: again.curate.table.model.rowCount() == 12)
    assert again.curate.progress.text() == "2 of 12 reviewed"
    assert again.session.shown.statuses["cells"] == {
        order[0]: "accepted",
        order[1]: "rejected",
    }
    again.close()
    again.deleteLater()


def test_the_zoom_stays_where_it_will_do():
    assert zoom_for(20, 600, 4.0) == 4.0
    assert zoom_for(20, 600, 0.5) == pytest.approx(6)
    assert zoom_for(20, 600, 100.0) == pytest.approx(6)


@pytest.mark.slow
def test_what_was_decided_is_seen_in_the_picture(user, curate, qtbot):
    image, order = user.window.session.shown, listed(curate)
    layer = user.window.canvas.model.layers["cells"]
    before = layer.picture.copy()
    qtbot.keyClick(canvas(user), KEY.Key_N)
    for key in (KEY.Key_Return, KEY.Key_Backspace, KEY.Key_Q):
        qtbot.keyClick(canvas(user), key)
    for _ in range(2):
        drawn = layer.picture
        for cell, value in zip(order, (ACCEPTED, REJECTED, LATER), strict=False):
            where = image.masks.array == cell
            assert set(np.unique(drawn[where] & 0x7F)) == {value}
        # Drawn anew, they look the same.
        layer.refresh()
    user.window.session.undo()
    assert not (layer.picture == LATER).any()
    user.window.session.undo()
    user.window.session.undo()
    np.testing.assert_array_equal(layer.picture, before)


@pytest.mark.slow
def test_accepted_cells_stay_in_a_new_run(user, curate, qtbot):
    image = user.window.session.shown
    cell = listed(curate)[0]
    before = image.masks.array == cell
    user.window.selection.select(cell)
    qtbot.keyClick(canvas(user), KEY.Key_Return)
    user.window.tabs.setCurrentWidget(user.window.segment)
    user.window.segment.result.sliders["min_size"].set_value(500)
    user.wait_for(lambda: image.masks.cells == 1)
    user.wait_idle()
    np.testing.assert_array_equal(image.masks.array == cell, before)
    user.run()
    assert image.statuses["cells"] == {cell: "accepted"}
    np.testing.assert_array_equal(image.masks.array == cell, before)


@pytest.mark.slow
def test_columns_that_nothing_is_known_of_are_not_shown(user, curate, cells):
    view = curate.table.view
    flow = column_at("flow error")
    assert not view.isColumnHidden(flow)
    path = cells("b.tif")
    masks = np.zeros((96, 128), np.uint16)
    masks[10:20, 10:20] = 1
    tifffile.imwrite(path.with_name("b_masks.tif"), masks)
    user.open(path)
    user.window.session.step(1)
    wait_for_cells(user, 1)
    assert view.isColumnHidden(flow)
