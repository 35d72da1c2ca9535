"""Tools on the real canvas: what the mouse does to the masks, and to nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.ui.canvas.mouse_event import MouseEvent
from tests.ui.mouse import LEFT, RIGHT, Mouse

CONTROL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier


@pytest.fixture
def image(user, cells):
    """Return an image with twelve round cells of 20 px, 32 px apart, as masks."""
    path = cells("a.tif")
    y, x = np.indices((96, 128))
    numbers = (y // 32 * 4 + x // 32 + 1).astype(np.uint16)
    inside = np.hypot(y % 32 - 16, x % 32 - 16) < 10
    tifffile.imwrite(path.with_name("a_masks.tif"), numbers * inside)
    [image] = user.open(path)
    user.wait_for(lambda: image.masks.pixels.loaded)
    return image


def centre(row, column):
    """Return the middle of a cell."""
    return 16 + 32 * row, 16 + 32 * column


def ring(middle, radius, count=40):
    y, x = middle
    return [
        (y + radius * np.sin(a), x + radius * np.cos(a))
        for a in np.linspace(0, 2 * np.pi, count)
    ]


def cell_at(image, place):
    return int(image.masks.array[tuple(round(p) for p in place)])


def others(labels, *cells):
    """Return the masks without some cells."""
    return np.where(np.isin(labels, cells), 0, labels)


def test_a_click_chooses_and_ctrl_click_deletes(user, image, mouse):
    selection = user.window.selection
    mouse.click(centre(1, 1))
    cell = cell_at(image, centre(1, 1))
    assert selection.cell == cell > 0
    before = image.masks.array.copy()
    mouse.click(centre(1, 1), CONTROL)
    assert image.masks.cells == 11
    np.testing.assert_array_equal(image.masks.array, others(before, cell))
    mouse.click((1, 1))
    assert selection.cell == 0


@pytest.mark.slow
def test_alt_and_a_line_merge_and_the_view_stays(user, image, mouse):
    camera = user.window.canvas.model.scene.camera
    before = camera.zoom, camera.center
    first, *others = (cell_at(image, centre(0, n)) for n in range(3))
    mouse.drag([centre(0, 0), centre(0, 1), centre(0, 2)], modifier=ALT)
    assert cell_at(image, centre(0, 2)) == first
    assert not np.isin(others, image.masks.array).any()
    assert (camera.zoom, camera.center) == before


@pytest.mark.slow
def test_alt_click_merges_with_the_chosen_cell(user, image, mouse):
    mouse.click(centre(0, 0))
    first, second = (cell_at(image, centre(0, n)) for n in (0, 1))
    mouse.click(centre(0, 1), ALT)
    assert image.masks.cells == 11
    assert cell_at(image, centre(0, 1)) == first
    assert second not in image.masks.array
    user.window.session.undo()
    assert cell_at(image, centre(0, 1)) == second


@pytest.mark.slow
def test_the_merge_tool_joins_what_is_clicked_or_crossed(user, image, mouse, qtbot):
    window, numbers = (
        user.window,
        [
            [cell_at(image, centre(row, column)) for column in range(4)]
            for row in range(3)
        ],
    )
    first, second, third = numbers[:3]
    qtbot.keyClick(window, Qt.Key.Key_J)
    assert window.curate.tools.buttons["merge"].isChecked()
    for column in (0, 1, 1):
        mouse.click(centre(0, column))
    assert window.selection.cell == first[0] == cell_at(image, centre(0, 1))
    parts_them = "Undo (Ctrl+Z) parts them again."
    assert user.message == f"Merged 2 cells that do not touch. {parts_them}"
    mouse.click((1, 1))
    assert window.selection.cell == 0
    mouse.drag([centre(1, 0), centre(1, 1), centre(1, 2)])
    assert cell_at(image, centre(1, 2)) == second[0] == window.selection.cell
    mouse.click((1, 1))
    # The chosen cell keeps its number, wherever the line begins.
    mouse.click(centre(2, 2))
    mouse.drag([centre(2, 1), centre(2, 2)])
    assert cell_at(image, centre(2, 1)) == third[2]
    assert image.masks.cells == 12 - 1 - 2 - 1
    window.session.undo()
    assert cell_at(image, centre(2, 1)) == third[1]
    # Esc leaves the cell first, then the tool.
    for mode in ("merge", "select"):
        qtbot.keyClick(window, Qt.Key.Key_Escape)
        assert window.tools.mode == mode
    assert window.selection.cell == 0


@pytest.mark.slow
def test_a_merge_begins_anew_far_from_the_cell_looked_at(user, image, mouse, qtbot):
    looked_at, first, second = (cell_at(image, centre(0, n)) for n in (3, 0, 1))
    user.window.selection.select(looked_at)
    qtbot.keyClick(user.window, Qt.Key.Key_J)
    mouse.click(centre(0, 0))
    assert user.window.selection.cell == first
    assert image.masks.cells == 12
    mouse.click(centre(0, 1))
    assert cell_at(image, centre(0, 1)) == first
    assert cell_at(image, centre(0, 3)) == looked_at
    assert second not in image.masks.array


@pytest.mark.slow
def test_the_right_button_draws_a_cell(user, image, mouse):
    for cell in range(4):
        mouse.click(centre(1, cell), CONTROL)
    before = image.masks.array.copy()
    mouse.drag(ring(centre(1, 1), 9), RIGHT)
    new = cell_at(image, centre(1, 1))
    assert new > before.max()
    area = np.count_nonzero(image.masks.array == new)
    assert area == pytest.approx(np.pi * 9**2, rel=0.25)
    np.testing.assert_array_equal(others(image.masks.array, new), before)
    assert user.window.session.undo_text == "Draw cell"


@pytest.mark.slow
def test_an_outline_follows_the_mouse_and_closes_itself(user, image, mouse):
    mouse.click(centre(1, 1), CONTROL)
    start, *way = ring(centre(1, 1), 10, 60)
    mouse.click(start, button=RIGHT)
    for place in way:
        mouse.move(place)
    assert image.masks.cells == 12
    assert cell_at(image, centre(1, 1)) > 0


@pytest.mark.slow
@pytest.mark.parametrize("end", ["first corner", "double click"])
def test_a_polygon_is_drawn_corner_by_corner(user, image, mouse, qtbot, end):
    mouse.click(centre(1, 1), CONTROL)
    before = image.masks.array.copy()
    qtbot.keyClick(user.window, Qt.Key.Key_P)
    y, x = centre(1, 1)
    corners = [(y - 9, x - 9), (y - 9, x + 9), (y + 9, x + 9), (y + 9, x - 9)]
    for corner in corners[:3]:
        mouse.click(corner)
        mouse.move((corner[0], corner[1] - 3))
    assert not image.masks.array[y, x]
    if end == "double click":
        mouse.double_click(corners[3])
    else:
        mouse.click(corners[3])
        mouse.click(corners[0])
    after = image.masks.array
    new = cell_at(image, centre(1, 1))
    assert new > before.max()
    assert abs(np.count_nonzero(after == new) - 19**2) <= 2 * 19
    np.testing.assert_array_equal(others(after, new), before)
    # The next click begins another one.
    mouse.click(corners[0])
    assert user.window.session.undo_text == "Draw cell"


@pytest.mark.slow
def test_the_left_button_draws_around_a_cell(user, image, mouse, qtbot):
    mouse.click(centre(1, 1), CONTROL)
    qtbot.keyClick(user.window, Qt.Key.Key_P)
    mouse.drag(ring(centre(1, 1), 9))
    area = np.count_nonzero(image.masks.array == cell_at(image, centre(1, 1)))
    assert area == pytest.approx(np.pi * 9**2, rel=0.25)


@pytest.mark.slow
def test_escape_gives_a_polygon_up(user, image, mouse, qtbot):
    qtbot.keyClick(user.window, Qt.Key.Key_P)
    for corner in ring(centre(1, 1), 10, 4)[:3]:
        mouse.click(corner)
    qtbot.keyClick(user.window, Qt.Key.Key_Escape)
    mouse.double_click(centre(0, 0))
    assert not image.edited


@pytest.mark.slow
def test_escape_gives_an_outline_up(user, image, mouse, qtbot):
    start, *way = ring(centre(1, 1), 10, 60)
    mouse.click(start, button=RIGHT)
    for place in way[:20]:
        mouse.move(place)
    qtbot.keyClick(user.window, Qt.Key.Key_Escape)
    for place in way[20:]:
        mouse.move(place)
    assert not image.edited


@pytest.mark.slow
def test_other_cells_are_protected(user, image, mouse):
    before = image.masks.array.copy()
    mouse.drag(ring((32, 48), 22), RIGHT)
    new = cell_at(image, (32, 48))
    after = image.masks.array
    assert new > before.max()
    np.testing.assert_array_equal(others(after, new), before)
    user.window.session.undo()
    user.window.tools.set_protect(False)
    mouse.drag(ring((32, 48), 22), RIGHT)
    assert (image.masks.array[before > 0] != before[before > 0]).any()


@pytest.mark.slow
def test_the_brush_adds_to_the_cell_it_begins_on(user, image, mouse, qtbot):
    qtbot.keyClick(user.window, Qt.Key.Key_B)
    user.window.tools.set_size(5)
    before = image.masks.array.copy()
    cell = cell_at(image, centre(1, 1))
    start = centre(1, 1)
    mouse.drag([start, (start[0] + 8, start[1]), (start[0] + 16, start[1])])
    after = image.masks.array
    assert after[start[0] + 15, start[1]] == cell
    np.testing.assert_array_equal(others(after, cell), others(before, cell))
    assert user.window.session.undo_text == "Brush"
    user.window.session.undo()
    np.testing.assert_array_equal(image.masks.array, before)


@pytest.mark.slow
def test_a_stroke_reaches_to_where_the_button_goes_up(user, image, mouse):
    user.window.tools.take("brush")
    user.window.tools.set_size(5)
    start, end = centre(1, 1), (centre(1, 1)[0] + 15, centre(1, 1)[1])
    cell = cell_at(image, start)
    none = Qt.KeyboardModifier.NoModifier
    # No move in between, as when the machine is too busy to tell of any.
    QTest.mousePress(mouse.native, LEFT, none, mouse.on_screen(start))
    QTest.mouseRelease(mouse.native, LEFT, none, mouse.on_screen(end))
    assert cell_at(image, end) == cell


def test_the_brush_draws_a_new_cell_elsewhere(user, image, mouse):
    user.window.tools.take("brush")
    mouse.click((1, 1))
    assert image.masks.cells == 13
    mouse.drag([(31, 20), (31, 25), (31, 30)])
    assert image.masks.cells == 14


def test_the_eraser_takes_from_the_chosen_cell_only(user, image, mouse):
    first, second = (cell_at(image, centre(0, n)) for n in (0, 1))
    mouse.click(centre(0, 0))
    user.window.tools.take("eraser")
    user.window.tools.set_size(9)
    before = image.masks.array.copy()
    mouse.drag([centre(0, 0), centre(0, 1)])
    after = image.masks.array
    assert np.count_nonzero(after == first) < np.count_nonzero(before == first)
    np.testing.assert_array_equal(after == second, before == second)


@pytest.mark.slow
def test_a_line_splits_the_cells_it_crosses(user, image, mouse, qtbot):
    qtbot.keyClick(user.window, Qt.Key.Key_S)
    before = image.masks.array.copy()
    y, _ = centre(1, 0)
    mouse.drag([(y, x) for x in range(2, 68, 3)])
    assert image.masks.cells == 14
    assert user.window.session.undo_text == "Split cell"
    np.testing.assert_array_equal(image.masks.array > 0, before > 0)
    user.window.session.undo()
    np.testing.assert_array_equal(image.masks.array, before)
    # Esc in the middle of a drag discards the line.
    tools = user.window.tools
    begin, end = (MouseEvent((y, x), 1, frozenset(), 1.0) for x in (2.0, 68.0))
    assert tools.press(begin)
    tools.drag(end)
    qtbot.keyClick(user.window, Qt.Key.Key_Escape)
    tools.release(end, True)
    np.testing.assert_array_equal(image.masks.array, before)


def test_two_double_clicks_split_a_cell(user, image, mouse):
    first, second = centre(0, 0), centre(0, 1)
    mouse.click(first)
    mouse.click(second, ALT)
    user.window.tools.take("split")
    zoom = user.window.canvas.model.scene.camera.zoom
    mouse.double_click(first)
    mouse.double_click(second)
    assert image.masks.cells == 12
    assert cell_at(image, first) != cell_at(image, second)
    assert user.window.canvas.model.scene.camera.zoom == zoom


@pytest.mark.slow
def test_an_eraser_that_cuts_through_a_cell_leaves_two(user, image, mouse, qtbot):
    y, x = centre(1, 1)
    cell = cell_at(image, (y, x))
    qtbot.keyClick(user.window, Qt.Key.Key_E)
    user.window.tools.set_size(4)
    mouse.drag([(y - 16, x), (y, x), (y + 16, x)])
    left, right = cell_at(image, (y, x - 6)), cell_at(image, (y, x + 6))
    assert left != right
    assert cell in (left, right)
    assert image.masks.cells == 13
    user.window.session.undo()
    assert cell_at(image, (y, x - 6)) == cell_at(image, (y, x + 6)) == cell
    assert image.masks.cells == 12


@pytest.mark.slow
def test_a_drag_of_the_view_edits_nothing(user, image, mouse):
    zoom = user.window.canvas.model.scene.camera.center
    mouse.drag([centre(1, 1), (20, 20), (10, 10)])
    assert not image.edited
    assert user.window.canvas.model.scene.camera.center != zoom


@pytest.mark.slow
def test_cells_can_be_drawn_where_there_are_no_masks(user, cells, mouse):
    user.open(cells("a.tif"))
    image = user.window.session.shown
    mouse.drag(ring(centre(1, 1), 9), RIGHT)
    assert image.masks.cells == 1
    assert image.masks.origin == "drawn by hand"
    user.window.session.undo()
    assert image.masks.cells == 0


@pytest.mark.slow
def test_tools_work_on_the_plane_that_is_shown(user, cells, mouse):
    user.open(cells("stack.tif", (5, 64, 64), "ZYX"))
    image = user.window.session.shown
    user.window.canvas.set_planes({"Z": 3})
    mouse.drag(ring(centre(0, 0), 9), RIGHT)
    planes = np.flatnonzero(image.masks.array.any(axis=(1, 2)))
    assert planes.tolist() == [3]
    cell = cell_at(image, (3, *centre(0, 0)))
    mouse.click(centre(0, 0))
    user.window.plane_commands.copy_to_next("Z")
    user.window.canvas.set_planes({"Z": 1})
    labels = image.masks.array
    assert np.flatnonzero((labels == cell).any(axis=(1, 2))).tolist() == [3, 4]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "changed"),
    [("fillHoles", False), ("smooth", True), ("grow", True), ("shrink", True)],
)
def test_commands_act_on_the_chosen_cell(user, image, mouse, command, changed):
    mouse.click(centre(1, 1))
    cell = cell_at(image, centre(1, 1))
    before = image.masks.array.copy()
    user.window.menus.actions[command].trigger()
    after = image.masks.array
    np.testing.assert_array_equal(others(after, cell), others(before, cell))
    assert ((after == cell) != (before == cell)).any() == changed


@pytest.mark.slow
def test_delete_removes_the_chosen_cell(user, image, mouse, qtbot):
    mouse.click(centre(1, 1))
    qtbot.keyClick(user.window, Qt.Key.Key_Delete)
    assert image.masks.cells == 11
    assert user.window.selection.cell == 0


@pytest.mark.slow
def test_what_tools_did_is_in_the_project(user, image, mouse):
    mouse.click(centre(0, 0), CONTROL)
    mouse.drag(ring(centre(0, 0), 8), RIGHT)
    user.window.tools.take("brush")
    mouse.drag([centre(1, 1), centre(1, 2)])
    user.window.session.undo()
    project = user.window.session.project
    assert project.writer.flush(60)
    other = Project.open(project.path)
    [same] = Session(other).images
    np.testing.assert_array_equal(same.masks.array, image.masks.array)
    other.close()


@pytest.mark.slow
def test_handles_reshape_the_chosen_cell(user, image, mouse, qtbot):
    before = image.masks.array.copy()
    mouse.click(centre(1, 1))
    cell = cell_at(image, centre(1, 1))
    qtbot.keyClick(user.window, Qt.Key.Key_H)
    vertex = tuple(user.window.tools.tool.vertices()[0])
    away = tuple(
        v + 5 * np.sign(v - c) for v, c in zip(vertex, centre(1, 1), strict=True)
    )
    mouse.drag([vertex, away])
    np.testing.assert_array_equal(image.masks.array, before)
    qtbot.keyClick(user.window, Qt.Key.Key_H)
    after = image.masks.array
    assert np.count_nonzero(after == cell) > np.count_nonzero(before == cell)
    np.testing.assert_array_equal(others(after, cell), others(before, cell))
    assert user.window.session.undo_text == "Reshape cell"


@pytest.mark.slow
def test_handles_have_their_size_before_the_mouse_moves(user, image, mouse, qtbot):
    canvas = user.window.canvas
    mouse.click(centre(1, 1))
    qtbot.keyClick(user.window, Qt.Key.Key_H)
    for zoom in (1, 3):
        canvas.model.scene.camera.zoom *= zoom
        QApplication.processEvents()
        before = canvas.widget.screenshot(flash=False)
        mouse.move(centre(1, 1))
        np.testing.assert_array_equal(before, canvas.widget.screenshot(flash=False))
        tool = user.window.tools.tool
        pixel = canvas.camera.zoom * image.source.label_scale[-1]
        assert tool.handle_size * pixel == pytest.approx(4, rel=0.1)


def test_handles_that_are_not_moved_change_nothing(user, image, mouse, qtbot):
    before = image.masks.array.copy()
    user.window.tools.take("handles")
    for column in range(4):
        mouse.click(centre(1, column))
    user.window.tools.take("select")
    np.testing.assert_array_equal(image.masks.array, before)
    assert not image.edited


@pytest.mark.slow
def test_escape_leaves_the_cell_as_it_was(user, image, mouse, qtbot):
    before = image.masks.array.copy()
    mouse.click(centre(1, 1))
    user.window.tools.take("handles")
    vertex = tuple(user.window.tools.tool.vertices()[0])
    mouse.drag([vertex, (1, 1)])
    qtbot.keyClick(user.window, Qt.Key.Key_Escape)
    user.window.tools.take("select")
    np.testing.assert_array_equal(image.masks.array, before)


@pytest.mark.slow
def test_a_lasso_deletes_and_a_line_merges(user, image, mouse):
    first, second = (cell_at(image, centre(0, n)) for n in (0, 1))
    middle, width = (16, 32), 30
    around = [
        (y, middle[1] + (x - middle[1]) * width / 15) for y, x in ring(middle, 15)
    ]
    mouse.drag(around, modifier=CONTROL)
    assert image.masks.cells == 10
    assert not np.isin([first, second], image.masks.array).any()
    assert user.window.session.undo_text == "Delete 2 cells"
    third = cell_at(image, centre(1, 0))
    y, _ = centre(1, 0)
    mouse.drag([(y, x) for x in range(16, 84, 4)], modifier=ALT)
    assert image.masks.cells == 8
    assert cell_at(image, centre(1, 2)) == third == user.window.selection.cell


@pytest.mark.slow
def test_undo_shows_where_it_happened(user, image, mouse):
    camera = user.window.canvas.model.scene.camera
    scale = np.array(image.source.label_scale)
    mouse.click(centre(0, 0), CONTROL)
    camera.zoom *= 4
    camera.center = (0, *(centre(2, 3) * scale))
    user.window.session.undo()
    assert camera.center[-2:] / scale == pytest.approx(centre(0, 0), abs=1)
    camera.center = (0, *((20, 16) * scale))
    before = camera.center, camera.zoom
    user.window.session.redo()
    # It was in view already.
    assert (camera.center, camera.zoom) == before


@pytest.mark.slow
def test_undo_goes_to_the_plane_and_the_masks_it_happened_on(user, cells, qtbot):
    user.open(cells("stack.tif", (6, 96, 128), "ZYX"))
    window = user.window
    window.canvas.set_planes({"Z": 1})
    mouse = Mouse(window)
    mouse.drag(ring(centre(1, 1), 9), RIGHT)
    image = window.session.shown
    assert np.flatnonzero(image.masks.array.any(axis=(1, 2))).tolist() == [1]
    window.canvas.set_planes({"Z": 4})
    window.session.undo()
    assert window.canvas.planes == {"Z": 1}
    assert not image.masks.array.any()


@pytest.mark.slow
def test_delete_removes_the_vertex_under_the_mouse_and_never_the_cell(
    user, image, mouse, qtbot
):
    mouse.click(centre(1, 1))
    qtbot.keyClick(user.window, Qt.Key.Key_H)
    tool = user.window.tools.tool
    vertices = len(tool.vertices())
    qtbot.keyClick(user.window, Qt.Key.Key_Delete)
    assert len(tool.vertices()) == vertices
    mouse.move(tuple(tool.vertices()[0]))
    qtbot.keyClick(user.window, Qt.Key.Key_Delete)
    assert len(tool.vertices()) == vertices - 1
    qtbot.keyClick(user.window, Qt.Key.Key_Escape)
    qtbot.keyClick(user.window, Qt.Key.Key_V)
    qtbot.keyClick(user.window, Qt.Key.Key_Delete)
    assert image.masks.cells == 11


@pytest.mark.slow
def test_delete_takes_the_last_corner_back(user, image, mouse, qtbot):
    mouse.click(centre(1, 1), CONTROL)
    qtbot.keyClick(user.window, Qt.Key.Key_P)
    y, x = centre(1, 1)
    for corner in [(y - 9, x - 9), (y - 9, x + 9), (y + 9, x + 9), (80, 120)]:
        mouse.click(corner)
    qtbot.keyClick(user.window, Qt.Key.Key_Delete)
    mouse.click((y - 9, x - 9))
    area = np.count_nonzero(image.masks.array == cell_at(image, (y - 3, x + 3)))
    assert area == pytest.approx(18 * 18 / 2, rel=0.2)


@pytest.mark.slow
def test_handles_follow_an_undo_of_their_cell(user, image, mouse, qtbot):
    y, x = centre(1, 1)
    before = image.masks.array.copy()
    qtbot.keyClick(user.window, Qt.Key.Key_B)
    mouse.drag([(y, x), (y + 12, x)])
    qtbot.keyClick(user.window, Qt.Key.Key_V)
    mouse.click((y, x))
    qtbot.keyClick(user.window, Qt.Key.Key_H)
    user.window.session.undo()
    qtbot.keyClick(user.window, Qt.Key.Key_H)
    np.testing.assert_array_equal(image.masks.array, before)


@pytest.mark.slow
def test_a_command_without_effect_says_so(user, image):
    actions, stack = user.window.menus.actions, user.window.session.undo_stack
    before, steps = image.masks.array.copy(), len(stack)
    for name, title in (
        ("fillHoles", "Fill holes"),
        ("atBorder", "Remove cells at the border"),
    ):
        actions[name].trigger()
        user.wait_idle()
        assert user.message == f"{title}: there is nothing to change."
    np.testing.assert_array_equal(image.masks.array, before)
    assert len(stack) == steps
