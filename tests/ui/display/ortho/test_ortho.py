"""Stacks from the side and as a 3D rendering, in the real window."""

from __future__ import annotations

import shutil
import threading

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.session.classes import add_class, put_into_class
from cellpose_studio.core.display.label_picture import colour_of, palette
from cellpose_studio.core.edits.whole import delete_cells
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.ui.display.ortho import stacks
from tests.ui.mouse import LEFT, Mouse

SHIFT = Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier
SHAPE = (8, 96, 128)
CELL, OTHER = 7, 9
BRIGHT = (2, 48, 64)  # Z, Y and X of the middle of CELL
SCALE = (0.5, 0.25, 0.25)


def masks() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint16)
    labels[1:4, 36:60, 50:78] = CELL
    labels[5:8, 10:30, 90:120] = OTHER
    return labels


def pixels() -> np.ndarray:
    """Dark, with a bright plane 6."""
    stack = np.full(SHAPE, 100, np.uint16)
    stack[6] = 1000
    stack[4, 0, 0] = 1000  # the plane that tells the contrast
    return stack


def write(path, stack, axes, **metadata):
    tifffile.imwrite(
        path,
        stack,
        imagej=True,
        resolution=(4, 4),
        metadata={"axes": axes, "spacing": 0.5, "unit": "um", **metadata},
    )


@pytest.fixture
def stack(user, tmp_path):
    """A stack with two cells, opened."""
    path = tmp_path / "a.tif"
    write(path, pixels(), "ZYX")
    tifffile.imwrite(tmp_path / "a_cp_masks.tif", masks(), photometric="minisblack")
    image = user.open(path)[-1]
    layer = user.window.canvas.model.layers[0]
    layer.contrast_limits = (0, 1000)
    return image


@pytest.fixture
def ortho(user, stack):
    """The side views of it."""
    press(user, Qt.Key.Key_O)
    settle(user)
    return user.window.ortho


def press(user, key) -> None:
    QTest.keyClick(user.window.canvas.widget.canvas.native, key)


def settle(user) -> None:
    """Let all be read and drawn."""
    for _ in range(5):
        # What was read may ask for more.
        user.wait_idle()
        QApplication.processEvents()
        QTest.qWait(10)
    user.wait_idle()


def seen(view, along: int, plane: int) -> list[int]:
    """Return the RGB that is on the screen in the middle of a pixel of a cut."""
    # Off the lines.
    at = view.position_of(along, plane)
    colour = view.grab().toImage().pixelColor(int(at.x()) - 2, int(at.y()) - 2)
    return [colour.red(), colour.green(), colour.blue()]


def close_to(colour, expected) -> bool:
    return bool(np.abs(np.array(colour, int) - np.array(expected)).max() <= 2)


def filled(cell: int, grey: int) -> np.ndarray:
    """Return the RGB of the inside of a cell over a grey of the image."""
    fill = 0.4 * 0.7  # of the cell, and of the layer
    return palette()[colour_of(cell) - 1] * 255 * fill + grey * (1 - fill)


def click(view, along: int, plane: int) -> None:
    at = view.position_of(along, plane).toPoint()
    QTest.mouseClick(view, LEFT, NONE, at)


def turn_wheel(view, notches: int, modifiers=NONE) -> None:
    at = QPointF(view.rect().center())
    event = QWheelEvent(
        at,
        QPointF(view.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


@pytest.mark.slow
def test_a_cut_shows_the_image_and_the_masks_of_every_plane(user, ortho):
    ortho.move_to(*BRIGHT[1:])
    settle(user)
    for view, along in ((ortho.beside, BRIGHT[1]), (ortho.below, BRIGHT[2])):
        assert view.isVisible()
        assert close_to(seen(view, along, 2), filled(CELL, 26))
        assert close_to(seen(view, along, 6), [255] * 3)
        assert close_to(seen(view, 3, 0), [26] * 3)


@pytest.mark.slow
def test_cuts_are_as_large_as_the_canvas_shows_the_image(user, ortho):
    native, mouse = user.window.canvas.widget.canvas.native, Mouse(user.window)
    ortho.move_to(20, 100)
    settle(user)
    here = native.mapToGlobal(mouse.on_screen((20, 100)))
    beside = ortho.beside.mapToGlobal(ortho.beside.position_of(20, 0).toPoint())
    below = ortho.below.mapToGlobal(ortho.below.position_of(100, 0).toPoint())
    assert abs(beside.y() - here.y()) <= 1
    assert abs(below.x() - here.x()) <= 1
    # A plane is two pixels thick.
    deep = ortho.below.position_of(0, 1) - ortho.below.position_of(0, 0)
    wide = ortho.below.position_of(1, 0) - ortho.below.position_of(0, 0)
    assert deep.y() == pytest.approx(2 * wide.x())


@pytest.mark.slow
def test_a_click_in_a_cut_moves_the_plane_and_chooses_the_cell(user, ortho):
    ortho.move_to(20, 105)
    settle(user)
    click(ortho.beside, 24, 6)
    settle(user)
    assert user.window.canvas.planes == {"Z": 6}
    assert ortho.point == (6, 24, 105)
    assert user.window.selection.cell == OTHER
    pixels, lengths = ortho.corner.text().split("\n")
    planes = user.window.session.shown.source.planes
    assert pixels.split() == f"x 105 y 24 Z 7 of {planes}".split()
    assert lengths.split() == ["26.2,", "6.0,", "3.0", "µm"]


@pytest.mark.slow
def test_a_drag_in_a_cut_and_the_wheel_move_the_point(user, ortho):
    view = ortho.below
    start, end = (view.position_of(*at).toPoint() for at in ((30, 1), (90, 5)))
    QTest.mousePress(view, LEFT, NONE, start)
    move = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(end),
        QPointF(view.mapToGlobal(end)),
        Qt.MouseButton.NoButton,
        LEFT,
        NONE,
    )
    QApplication.sendEvent(view, move)
    assert ortho.point == (5, 48, 90)
    QTest.mouseRelease(view, LEFT, NONE, end)
    settle(user)
    assert ortho.point == (5, 48, 90)
    assert user.window.selection.cell == 0
    ortho.move_to(50, 60)
    turn_wheel(ortho.beside, 1)
    turn_wheel(ortho.below, -1)
    turn_wheel(ortho.below, -1, SHIFT)
    assert ortho.point[1:] == (39, 61)


@pytest.mark.slow
def test_the_point_follows_the_canvas(user, ortho):
    mouse = Mouse(user.window)
    mouse.click((30, 40))
    assert ortho.point[1:] == (30, 40)
    mouse.move((50, 60))
    assert ortho.point[1:] == (30, 40)
    mouse.move((50, 60), modifier=SHIFT)
    assert ortho.point[1:] == (50, 60)
    user.window.canvas.step("Z", 2)
    assert ortho.point[0] == 6
    user.window.highlight.center_on(CELL)
    user.window.selection.select(CELL)
    assert ortho.point == (1, 48, 64)


@pytest.mark.slow
def test_edits_and_their_undo_show_at_once(user, stack, ortho):
    ortho.move_to(*BRIGHT[1:])
    labels, session = stack.masks, user.window.session
    session.edit(stack, delete_cells(labels.array, labels.pixels.cell_table(), [CELL]))
    settle(user)
    assert close_to(seen(ortho.beside, 48, 2), [26] * 3)
    session.undo()
    settle(user)
    assert close_to(seen(ortho.beside, 48, 2), filled(CELL, 26))


@pytest.mark.slow
def test_cuts_look_as_the_layers_do(user, ortho):
    window = user.window
    layer = window.canvas.model.layers[0]
    layer.contrast_limits = (0, 200)
    settle(user)
    assert close_to(seen(ortho.beside, 3, 0), [128] * 3)
    layer.colormap = "green"
    settle(user)
    assert close_to(seen(ortho.beside, 3, 0), [0, 128, 0])
    ortho.move_to(*BRIGHT[1:])
    press(user, Qt.Key.Key_X)
    settle(user)
    assert close_to(seen(ortho.beside, 48, 2), [0, 128, 0])
    layer.visible = False
    settle(user)
    assert close_to(seen(ortho.beside, 48, 2), [0, 0, 0])


@pytest.mark.slow
def test_cuts_have_the_colours_of_classes(user, stack, ortho):
    session = user.window.session
    ortho.move_to(*BRIGHT[1:])
    user.window.measure.classes.colour()
    number = add_class(session, "round").id
    put_into_class(session, stack, [CELL], number)
    settle(user)
    colour = session.masks.classes.present[0].colour
    rgb = np.array([int(colour[n : n + 2], 16) for n in (1, 3, 5)])
    shown = seen(ortho.beside, BRIGHT[1], 2)
    # The colour has no blue: what is left is that of the image.
    fill = 1 - shown[2] / 26
    assert fill > 0.2
    assert close_to(shown, rgb * fill + 26 * (1 - fill))
    session.undo()
    settle(user)
    grey = seen(ortho.beside, BRIGHT[1], 2)
    assert max(grey) - min(grey) <= 2


@pytest.mark.slow
def test_a_stack_that_is_too_large_shows_its_masks_and_says_why(
    user, stack, monkeypatch
):
    monkeypatch.setattr(stacks, "LARGEST", 1000)
    ortho = user.window.ortho
    user.window.menus.actions["ortho"].trigger()
    ortho.move_to(*BRIGHT[1:])
    settle(user)
    assert "too large" in ortho.corner.text()
    assert close_to(seen(ortho.beside, 48, 2), filled(CELL, 0))


@pytest.mark.slow
def test_every_time_point_is_cut_by_itself(user, tmp_path):
    stack = np.zeros((3, 4, 40, 50), np.uint16)
    stack[1] = 500
    stack[0, 2, 0, 0] = 500
    write(tmp_path / "t.tif", stack, "TZYX")
    user.open(tmp_path / "t.tif")
    user.window.canvas.model.layers[0].contrast_limits = (0, 500)
    ortho = user.window.ortho
    ortho.set_on(True)
    settle(user)
    assert seen(ortho.below, 10, 1) == [0, 0, 0]
    user.window.canvas.step("T", 1)
    settle(user)
    assert seen(ortho.below, 10, 1) == [255] * 3


@pytest.mark.slow
def test_an_image_without_planes_has_no_other_views(user, stack, ortho, cells):
    user.window.canvas.rendering.set_on(True)
    image = user.open(cells("flat.tif"))[-1]
    user.window.session.show(image.source.key)
    settle(user)
    actions = user.window.menus.actions
    assert not ortho.beside.isVisible()
    for name in ("ortho", "rendering"):
        assert not actions[name].isEnabled()
        assert actions[name].toolTip() == "The image has no Z planes."
    assert user.window.canvas.model.dims.ndisplay == 2
    user.window.session.show(stack.source.key)
    settle(user)
    assert ortho.beside.isVisible()
    assert actions["rendering"].isEnabled()


# 3D


def shot(user) -> np.ndarray:
    """Return (Y, X, RGB) of the canvas."""
    return user.window.canvas.widget.screenshot(flash=False)[..., :3].astype(float)


def of_colour(shot: np.ndarray, cell: int) -> int:
    """Return how many pixels have the hue of a cell, lit or shaded."""
    colour = palette()[colour_of(cell) - 1]
    length = np.linalg.norm(shot, axis=-1)
    alike = (shot @ (colour / np.linalg.norm(colour))) / np.maximum(length, 1)
    return int(np.count_nonzero((alike > 0.995) & (length > 60)))


@pytest.mark.slow
def test_3d_shows_the_cells_and_goes_back_to_the_same_plane(user, stack):
    canvas = user.window.canvas
    canvas.step("Z", -2)
    camera = canvas.model.scene.camera
    camera.zoom *= 1.5
    before = canvas.planes, camera.zoom, camera.center
    user.window.selection.select(CELL)
    canvas.model.layers[0].contrast_limits = (0, 60_000)  # or the bright plane shows
    press(user, Qt.Key.Key_T)
    settle(user)
    assert canvas.model.dims.ndisplay == 3
    assert user.window.menus.actions["rendering"].isChecked()
    assert of_colour(shot(user), CELL) > 500
    session, labels = user.window.session, stack.masks
    session.edit(stack, delete_cells(labels.array, labels.pixels.cell_table(), [CELL]))
    settle(user)
    assert of_colour(shot(user), CELL) == 0
    session.undo()
    settle(user)
    assert of_colour(shot(user), CELL) > 500
    press(user, Qt.Key.Key_T)
    settle(user)
    assert (canvas.planes, camera.zoom, camera.center) == before
    assert not user.window.menus.actions["rendering"].isChecked()


@pytest.mark.slow
def test_undo_turns_the_3d_view_to_where_it_happened(user, stack):
    canvas, session, labels = user.window.canvas, user.window.session, stack.masks
    table = labels.pixels.cell_table()
    middle = [(part.start + part.stop - 1) / 2 for part in table.box(OTHER)]
    session.edit(stack, delete_cells(labels.array, table, [OTHER]))
    press(user, Qt.Key.Key_T)
    settle(user)
    camera = canvas.model.scene.camera
    camera.center, plane = (0.0, 0.0, 0.0), canvas.planes
    session.undo()
    settle(user)
    expected = np.array(middle) * stack.source.label_scale
    np.testing.assert_allclose(camera.center, expected)
    canvas.rendering.set_on(False)
    assert canvas.planes == plane


@pytest.mark.slow
def test_lines_of_a_plane_are_hidden_in_3d(user, ortho):
    canvas = user.window.canvas
    user.window.selection.select(CELL)
    canvas.set_planes({"Z": 2})
    settle(user)
    assert canvas.lines() == {"chosen": True, "cut": True}
    canvas.rendering.set_on(True)
    user.window.selection.select(OTHER)
    settle(user)
    assert canvas.lines() == {"chosen": False, "cut": False}
    assert not ortho.beside.isVisible()
    canvas.rendering.set_on(False)
    user.window.selection.select(CELL)
    settle(user)
    assert canvas.lines() == {"chosen": True, "cut": True}
    assert ortho.beside.isVisible()


@pytest.mark.slow
def test_3d_of_stacks_over_time_and_of_real_ones(user, stack, tmp_path, shared_data):
    canvas = user.window.canvas
    canvas.rendering.set_on(True)
    write(tmp_path / "t.tif", np.stack([pixels()] * 2), "TZYX")
    folder, name = shared_data / "3d_nuclei_mouse_embryo", "mouse_embryo_16cell"
    shutil.copy(folder / f"{name}.tif", tmp_path)
    masks = tmp_path / f"{name}_cp_masks.tif"
    shutil.copy(folder / f"{name}_masks.tif", masks)
    over_time, real = user.open(tmp_path / "t.tif", tmp_path / f"{name}.tif")[-2:]
    for image in (over_time, stack, real):
        user.window.session.show(image.source.key)
        settle(user)
        assert canvas.rendering.on
    over_time_planes = {"T": 0, "Z": 4}
    cells = real.masks.pixels.cell_table().ids().tolist()
    taken = shot(user)
    assert sum(of_colour(taken, cell) > 100 for cell in cells) > 10
    user.window.session.show(over_time.source.key)
    canvas.rendering.set_on(False)
    assert canvas.planes == over_time_planes


@pytest.mark.slow
def test_projects_are_left_and_opened_in_3d(user, stack, ortho, tmp_path):
    window = user.window
    window.projects.save_as(tmp_path / "p.cpstudio")
    user.wait_idle()
    window.canvas.set_planes({"Z": 6})
    window.canvas.rendering.set_on(True)
    settle(user)
    window.projects.new()
    settle(user)
    assert window.canvas.model.dims.ndisplay == 2
    window.projects.open(tmp_path / "p.cpstudio")
    settle(user)
    window.canvas.rendering.set_on(True)
    settle(user)
    window.projects.close()
    window.projects.open(tmp_path / "p.cpstudio")
    settle(user)
    assert window.session.shown.source.name == stack.source.name
    window.canvas.rendering.set_on(False)
    settle(user)
    assert window.canvas.planes == {"Z": 6}
    assert ortho.beside.isVisible()


@pytest.mark.slow
def test_nothing_waits_for_a_stack_that_is_read(user, stack, monkeypatch):
    reading, gate = threading.Event(), threading.Event()
    read = ImageSource.plane

    def slow(*asked):
        if threading.current_thread() is not threading.main_thread():
            reading.set()
            gate.wait(60)
        return read(*asked)

    monkeypatch.setattr(ImageSource, "plane", slow)
    window = user.window
    press(user, Qt.Key.Key_O)
    user.wait_for(reading.is_set)
    done = []
    job = Job("Something quick", lambda _: None)
    job.finished.connect(done.append)
    window.services.io_jobs.start(job)
    user.qtbot.waitUntil(lambda: bool(done))
    assert window.ortho.stacks.stack is None
    # Closing the window gives up what is read.
    gate.set()
    window.close()
    assert window.services.stack_jobs.jobs == ()
