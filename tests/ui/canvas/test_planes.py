"""Cells in stacks and over time, by mouse and keys on the real canvas."""

from __future__ import annotations

from threading import Event

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QDialogButtonBox, QInputDialog

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.edits.reshape import grow_cells
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.ui.tools.tracks.link import LinkDialog
from tests.quick import quick_first
from tests.ui.mouse import RIGHT

KEY = Qt.Key
ALT = Qt.KeyboardModifier.AltModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
NONE = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def opened(user, cells):
    """Return a function that opens a picture with masks beside it."""

    def opened(masks: np.ndarray, axes: str, name: str = "a"):
        path = cells(f"{name}.tif", masks.shape, axes)
        beside = path.with_name(f"{name}_cp_masks.tif")
        tifffile.imwrite(beside, masks.astype(np.uint16), photometric="minisblack")
        image = user.open(path)[-1]
        np.testing.assert_array_equal(image.masks.array, masks)
        return image

    return opened


@pytest.fixture
def press(user, qtbot):
    """Return a function that presses a key on the canvas, some times."""

    def press(key, modifier=NONE, times: int = 1) -> None:
        for _ in range(times):
            native = user.window.canvas.widget.canvas.native
            qtbot.keyClick(native, key, modifier)

    return press


def ball(masks, cell, centre, radius):
    """Draw a ball, or a disc in one plane of a stack."""
    grid = np.indices(masks.shape[-len(centre) :])
    away = sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True))
    masks[..., away <= radius**2] = cell


def ring(centre, radius, count=30):
    y, x = centre
    angles = np.linspace(0, 2 * np.pi, count)
    return [(y + radius * np.sin(a), x + radius * np.cos(a)) for a in angles]


def undone(user, image, before, steps=1):
    """Undo steps, and check that every bit is as it was."""
    for _ in range(steps):
        user.window.session.undo()
    np.testing.assert_array_equal(image.masks.array, before)


@pytest.mark.slow
def test_a_cell_is_split_in_a_stack_by_seeds_and_by_a_line(user, opened, mouse, press):
    masks = np.zeros((7, 64, 96), np.uint32)
    ball(masks, 5, (2, 32, 34), 12)
    ball(masks, 5, (4, 32, 54), 12)
    ball(masks, 8, (3, 12, 80), 8)
    image = opened(masks, "ZYX")
    press(KEY.Key_S)
    press(KEY.Key_PageDown)
    mouse.double_click((32, 34))
    press(KEY.Key_PageUp, times=2)
    mouse.double_click((32, 54))
    labels = image.masks.array.copy()
    assert np.unique(labels).tolist() == [0, 5, 8, 9]
    assert {labels[2, 32, 34], labels[4, 32, 54]} == {5, 9}
    assert all(9 in plane for plane in labels[1:6])
    np.testing.assert_array_equal(np.where(labels == 9, 5, labels), masks)
    undone(user, image, masks)
    mouse.drag([(32, x) for x in range(10, 90, 4)])
    labels = image.masks.array
    assert np.unique(labels[4]).tolist() == [0, 5, 8, 10]
    np.testing.assert_array_equal(labels > 0, masks > 0)
    np.testing.assert_array_equal(np.delete(labels, 4, 0), np.delete(masks, 4, 0))
    undone(user, image, masks)


@pytest.mark.slow
def test_drawn_planes_are_merged_and_interpolated(user, opened, mouse, press):
    masks = np.zeros((5, 64, 96), np.uint32)
    masks[2, 26:30, 20:50] = 3
    image = opened(masks, "ZYX")
    press(KEY.Key_PageDown, times=2)
    mouse.drag(ring((32, 30), 10), RIGHT)
    press(KEY.Key_PageUp, times=4)
    mouse.drag(ring((32, 40), 10), RIGHT)
    press(KEY.Key_PageDown, times=4)
    mouse.click((32, 30))
    press(KEY.Key_PageUp, times=4)
    drawn = image.masks.array.copy()
    mouse.click((32, 40), ALT)
    merged = image.masks.array.copy()
    np.testing.assert_array_equal(merged, np.where(drawn == 5, 4, drawn))
    press(KEY.Key_I)
    labels = image.masks.array
    assert user.window.selection.cell == 4
    for z, x in enumerate((30, 32.5, 35, 37.5, 40)):
        where = np.argwhere(labels[z] == 4)
        np.testing.assert_allclose(where.mean(axis=0), (32, x), atol=2.5)
    np.testing.assert_array_equal(labels == 3, masks == 3)
    np.testing.assert_array_equal(labels[[0, 4]], merged[[0, 4]])
    undone(user, image, merged)
    undone(user, image, drawn)
    undone(user, image, masks, steps=2)


@pytest.mark.slow
def test_the_chosen_cell_is_continued_where_it_is_not(user, opened, mouse, press):
    masks = np.zeros((2, 7, 64, 96), np.uint32)
    masks[0, 2, 26:38, 24:36] = 3
    masks[1, 2, 26:38, 24:36] = 4
    image = opened(masks, "TZYX")
    selection, session = user.window.selection, user.window.session
    user.window.canvas.set_planes({"T": 0, "Z": 2})
    mouse.click((32, 30))
    press(KEY.Key_PageUp, times=2)
    mouse.drag(ring((32, 40), 8), RIGHT)
    assert image.masks.array[0, 4, 32, 40] == selection.cell == 3
    assert session.undo_text == "Continue cell"
    # Where the cell is already, and without a chosen cell, a new one is drawn.
    mouse.drag(ring((50, 60), 6), RIGHT)
    assert image.masks.array[0, 4, 50, 60] == 5
    press(KEY.Key_PageUp)
    selection.select(0)
    mouse.drag(ring((50, 60), 6), RIGHT)
    assert image.masks.array[0, 5, 50, 60] == 6
    # The brush continues it, and what is between is interpolated.
    selection.select(3)
    press(KEY.Key_PageUp)
    press(KEY.Key_B)
    mouse.drag([(32, x) for x in range(45, 56, 5)])
    assert image.masks.array[0, 6, 32, 50] == 3
    press(KEY.Key_I)
    assert [bool((plane == 3).any()) for plane in image.masks.array[0]] == [
        *[False] * 2,
        *[True] * 5,
    ]
    # In another time point it is another cell.
    press(KEY.Key_B)
    user.window.canvas.set_planes({"T": 1, "Z": 4})
    mouse.drag(ring((32, 30), 6), RIGHT)
    assert image.masks.array[1, 4, 32, 30] == 7
    np.testing.assert_array_equal(image.masks.array[:, 2], masks[:, 2])
    undone(user, image, masks, steps=6)


@pytest.mark.slow
def test_a_cell_is_propagated_from_plane_to_plane(user, opened, mouse, press):
    masks = np.zeros((5, 64, 96), np.uint32)
    masks[1, 20:40, 20:40] = 5
    masks[2, 10:24, 15:25] = 5
    masks[2, 30:50, 36:60] = 7
    image = opened(masks, "ZYX")
    press(KEY.Key_PageUp, CONTROL)
    assert "Choose a cell" in user.message
    press(KEY.Key_PageDown)
    mouse.click((30, 30))
    press(KEY.Key_PageUp, CONTROL, times=2)
    labels = image.masks.array.copy()
    assert user.window.canvas.planes == {"Z": 3}
    free = masks[2] != 7
    np.testing.assert_array_equal(labels[2] == 5, (masks[1] == 5) & free)
    np.testing.assert_array_equal(labels[3] == 5, labels[2] == 5)
    np.testing.assert_array_equal(labels == 7, masks == 7)
    np.testing.assert_array_equal(labels[[0, 1, 4]], masks[[0, 1, 4]])
    assert user.window.session.undo_text == "Propagate to next plane"
    # Back again, over the neighbour.
    user.window.tools.set_protect(False)
    press(KEY.Key_PageDown, times=2)
    press(KEY.Key_PageUp, CONTROL)
    np.testing.assert_array_equal(image.masks.array[2] == 5, masks[1] == 5)
    undone(user, image, labels)
    press(KEY.Key_PageDown)
    press(KEY.Key_PageDown, CONTROL, times=2)
    np.testing.assert_array_equal(image.masks.array[0] == 5, masks[1] == 5)
    assert user.message == "This is the first plane."
    user.window.menus.actions["copyToNext"].trigger()
    press(KEY.Key_PageUp, times=2)
    before = image.masks.array.copy()
    user.window.menus.actions["deleteFrom"].trigger()
    np.testing.assert_array_equal(image.masks.array[:2], before[:2])
    np.testing.assert_array_equal(
        image.masks.array[2:], np.where(before[2:] == 5, 0, before[2:])
    )
    undone(user, image, before)
    undone(user, image, masks, steps=3)


@pytest.mark.slow
def test_a_volume_goes_to_the_next_time_point_as_a_whole(user, opened, mouse, press):
    masks = np.zeros((3, 5, 64, 96), np.uint32)
    ball(masks[0], 4, (2, 30, 30), 2)
    masks[1, 3, 29:31, 28:40] = 6
    masks[1, 0, :9, :9] = 4
    image = opened(masks, "TZYX")
    mouse.click((30, 30))
    press(KEY.Key_PageUp, CONTROL | SHIFT)
    labels = image.masks.array
    shape = masks[0] == 4
    np.testing.assert_array_equal(labels[1] == 4, shape & (masks[1] != 6))
    np.testing.assert_array_equal(labels[1] == 6, masks[1] == 6)
    assert user.window.canvas.planes == {"T": 1, "Z": 2}
    user.window.menus.actions["copyToNextTime"].trigger()
    np.testing.assert_array_equal(labels[2], np.where(labels[1] == 4, 4, 0))
    user.window.menus.actions["deleteFromTime"].trigger()
    np.testing.assert_array_equal(labels[0], masks[0])
    assert not (labels[1:] == 4).any()
    undone(user, image, masks, steps=3)


def series():
    """Draw two cells that move over four time points, with other ids in each."""
    masks = np.zeros((4, 64, 96), np.uint32)
    for t in range(4):
        ball(masks[t], 2 * t + 1, (20, 20 + 3 * t), 10)
        ball(masks[t], 2 * t + 2, (44 - 3 * t, 70), 10)
    masks[3, 56:60, 5:9] = 1
    return masks


@pytest.mark.slow
def test_cells_are_linked_over_time(user, opened, mouse, press):
    masks = series()
    image = opened(masks, "TYX")
    session = user.window.session
    session.set_cell_status(image, [1, 3, 5, 7], "accepted")
    session.set_cell_status(image, [2], "accepted")
    decided = dict(image.statuses[image.active])
    seen = []

    def answer():
        [dialog] = [
            widget
            for widget in QApplication.topLevelWidgets()
            if isinstance(widget, LinkDialog)
        ]
        seen.append(dialog.least.value())
        dialog.least.setValue(0.4)
        dialog.findChild(QDialogButtonBox).accepted.emit()

    QTimer.singleShot(0, answer)
    user.window.menus.actions["linkOverTime"].trigger()
    user.wait_idle()
    assert seen == [0.5]
    assert user.message == (
        "9 cells in 4 time points, 3 tracks, 1 of them in one time point only."
    )
    labels = image.masks.array
    linked = labels.copy()
    for t in range(4):
        assert labels[t, 20, 20 + 3 * t] == 1
        assert labels[t, 44 - 3 * t, 70] == 2
    assert labels[3, 57, 6] == 9
    np.testing.assert_array_equal(labels > 0, masks > 0)
    # One was accepted all along; of the other, only the beginning.
    assert image.statuses[image.active] == {1: "accepted", 9: "accepted"}
    name = "Link cells over time (IoU 0.4)"
    assert session.undo_text == name
    # What comes after has ids of its own, or keeps them.
    mouse.drag(ring((50, 20), 6), RIGHT)
    assert labels[0, 50, 20] == 10
    mouse.click((20, 20))
    press(KEY.Key_PageUp, CONTROL | SHIFT)
    np.testing.assert_array_equal(labels[1] == 1, labels[0] == 1)
    undone(user, image, linked, steps=2)
    user.window.tabs.setCurrentWidget(user.window.history)
    tree = user.window.history.tree
    user.wait_for(lambda: name in " ".join(row.toolTip(0) for row in tree.row_items()))
    undone(user, image, masks)
    assert image.statuses[image.active] == decided
    project = session.project
    assert project.writer.flush(60)
    other = Project.open(project.path)
    again = Session(other)
    [same] = again.images
    again.show(same.source.key)
    assert again.redo_text == name
    np.testing.assert_array_equal(same.masks.array, masks)
    assert same.statuses[same.active] == decided
    other.close()


@pytest.mark.slow
def test_links_are_dropped_when_the_masks_change_meanwhile(user, opened, mouse):
    masks = series()
    image = opened(masks, "TYX")
    window = user.window
    window.plane_commands.links.ask = lambda least, _: least
    window.menus.actions["linkOverTime"].trigger()
    mouse.click((20, 20), CONTROL)
    user.wait_idle()
    assert "changed meanwhile" in user.message
    changed = masks.copy()
    changed[masks == 1] = 0
    np.testing.assert_array_equal(image.masks.array, changed)
    busy = Event()
    window.services.io_jobs.start(
        Job("Something else", lambda _: busy.wait(), quiet=True)
    )
    window.menus.actions["linkOverTime"].trigger()
    assert window.jobs.text.text().startswith("Link cells over time")
    window.jobs.cancel.click()
    busy.set()
    user.wait_idle()
    np.testing.assert_array_equal(image.masks.array, changed)
    assert window.menus.actions["propagateUp"].toolTip() == (
        "This image has one plane only."
    )
    assert window.menus.actions["linkOverTime"].isEnabled()
    opened(masks[0], "YX", "plane")
    assert not window.menus.actions["linkOverTime"].isEnabled()
    assert "one time point" in window.menus.actions["linkOverTime"].toolTip()


@pytest.mark.slow
def test_very_many_cells_are_grown_in_a_job(user, opened):
    y, x = np.indices((160, 240))
    numbers = y // 10 * 24 + x // 10 + 1
    masks = np.where((y % 10 > 2) & (x % 10 > 2), numbers, 0).astype(np.uint32)
    image = opened(masks, "YX")
    action = user.window.menus.actions["grow"]
    action.trigger()
    np.testing.assert_array_equal(image.masks.array, masks)
    assert user.window.jobs.text.text().startswith("Grow cells")
    user.wait_idle()
    wanted = masks.copy()
    table = CellTable.of(masks)
    grow_cells(masks, table, table.ids().tolist(), 1).apply(wanted)
    np.testing.assert_array_equal(image.masks.array, wanted)
    undone(user, image, masks)
    action.trigger()
    user.window.tools.edits.delete([1])
    user.wait_idle()
    assert "changed meanwhile" in user.message
    np.testing.assert_array_equal(image.masks.array, np.where(masks == 1, 0, masks))


@pytest.mark.slow
def test_decisions_while_cells_are_linked_count(user, opened):
    image = opened(series(), "TYX")
    window = user.window
    window.plane_commands.links.ask = lambda least, _: least
    window.menus.actions["linkOverTime"].trigger()
    window.session.set_cell_status(image, [1, 3, 5, 7], "rejected")
    user.wait_idle()
    assert image.statuses[image.active] == {1: "rejected", 9: "rejected"}


@pytest.mark.slow
def test_two_seeds_in_different_time_points_split_nothing(user, opened, mouse, press):
    masks = np.zeros((2, 64, 96), np.uint32)
    masks[:, 20:40, 20:60] = 5
    image = opened(masks, "TYX")
    press(KEY.Key_S)
    mouse.double_click((30, 25))
    press(KEY.Key_PageUp, SHIFT)
    mouse.double_click((30, 55))
    np.testing.assert_array_equal(image.masks.array, masks)
    mouse.double_click((30, 25))
    labels = image.masks.array
    np.testing.assert_array_equal(labels[0], masks[0])
    assert np.unique(labels[1]).tolist() == [0, 5, 6]


def stripes():
    """Draw 240 cells that are small and touch the border."""
    x = np.indices((8, 2400))[1]
    return np.where(x % 10 > 2, x // 10 + 1, 0).astype(np.uint32)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", quick_first(1, ["atBorder", "small", "deleteRejected"])
)
def test_very_many_cells_are_removed_in_a_job(user, opened, monkeypatch, name):
    masks = stripes()
    image = opened(masks, "YX")
    window = user.window
    window.session.set_cell_status(image, range(1, 241), "rejected")
    window.tabs.setCurrentWidget(window.curate)
    user.wait_for(lambda: len(window.curate.table.model.rejected()) == 240)
    monkeypatch.setattr(QInputDialog, "getInt", lambda *_: (99, True))
    window.menus.actions[name].trigger()
    np.testing.assert_array_equal(image.masks.array, masks)
    window.jobs.cancel.click()
    user.wait_idle()
    np.testing.assert_array_equal(image.masks.array, masks)
    window.menus.actions[name].trigger()
    user.wait_idle()
    assert not image.masks.array.any()
    undone(user, image, masks)


@pytest.mark.slow
def test_a_large_image_is_relabelled_in_a_job_with_its_decisions(user, opened, mouse):
    masks = np.zeros((1000, 1024), np.uint32)
    masks[100:300, 100:300], masks[500:700, 500:700] = 4, 9
    image = opened(masks, "YX")
    window = user.window
    window.selection.select(9)
    window.menus.actions["relabel"].trigger()
    np.testing.assert_array_equal(image.masks.array, masks)
    window.session.set_cell_status(image, [9], "accepted")
    user.wait_idle()
    assert np.unique(image.masks.array).tolist() == [0, 1, 2]
    assert image.statuses[image.active] == {2: "accepted"}
    assert window.selection.cell == 2
    assert not image.edited
    window.menus.actions["relabel"].trigger()
    user.wait_idle()
    name = image.source.name
    assert user.message == f"The cells of {name} are numbered from 1 already."
    undone(user, image, masks)
    assert window.selection.cell == 9
    assert image.statuses[image.active] == {9: "accepted"}


@pytest.mark.slow
def test_a_large_cell_is_filled_and_split_in_a_job(user, opened, mouse, press):
    masks = np.zeros((7, 300, 320), np.uint32)
    masks[[0, 6], 10:290, 10:310] = 3
    image = opened(masks, "ZYX")
    user.window.selection.select(3)
    press(KEY.Key_I)
    np.testing.assert_array_equal(image.masks.array, masks)
    user.wait_idle()
    filled = image.masks.array.copy()
    np.testing.assert_array_equal(filled, np.broadcast_to(masks[0], masks.shape))
    press(KEY.Key_S)
    mouse.double_click((150, 50))
    mouse.double_click((150, 250))
    np.testing.assert_array_equal(image.masks.array, filled)
    assert user.window.jobs.text.text().startswith("Split cell")
    user.wait_idle()
    assert np.unique(image.masks.array).tolist() == [0, 3, 4]
    undone(user, image, filled)
    undone(user, image, masks)


@pytest.mark.slow
def test_commands_say_why_they_do_nothing(user, opened, press):
    masks = np.zeros((4, 64, 96), np.uint32)
    masks[[0, 3], 20:40, 20:40] = 5
    masks[1:3, 10:50, 10:50] = 7
    image = opened(masks, "ZYX")
    window = user.window
    steps = len(window.session.undo_stack)

    def said(name: str, cell: int, plane: int) -> str:
        window.canvas.set_planes({"Z": plane})
        window.selection.select(cell)
        window.menus.actions[name].trigger()
        return user.message

    assert said("copyToNext", 5, 1) == "Cell 5 is not in this plane."
    assert said("copyToNext", 5, 3) == "This is the last plane."
    assert said("copyToNext", 5, 0) == (
        "Nothing was copied: the next plane has cells in the same place."
    )
    assert said("interpolate", 7, 0) == (
        "Nothing to interpolate: cell 7 is in all planes from its first to its last."
    )
    assert said("interpolate", 5, 0).startswith(
        "Nothing was interpolated: other cells occupy"
    )
    assert said("deleteFrom", 7, 3) == (
        "Cell 7 is neither in this plane nor in those after it."
    )
    np.testing.assert_array_equal(image.masks.array, masks)
    assert len(window.session.undo_stack) == steps
    press(KEY.Key_Escape)
    window.tools.edits.delete([5])
    assert said("copyToNext", 0, 0) == "There are no cells in this plane."


@pytest.mark.slow
def test_what_acts_on_a_plane_is_off_in_3d(user, opened, mouse, press):
    masks = np.zeros((4, 64, 96), np.uint32)
    masks[[0, 2], 20:40, 20:40] = 5
    masks[:, 30, 30] = 0
    image = opened(masks, "ZYX")
    actions = user.window.menus.actions
    on_a_plane = (
        *("fillHoles", "smooth", "grow", "shrink"),
        *("copyToNext", "propagateUp", "propagateDown", "deleteFrom"),
    )
    mouse.click((30, 22))
    actions["rendering"].trigger()
    for name in on_a_plane:
        assert not actions[name].isEnabled()
        assert "leave the 3D rendering" in actions[name].toolTip()
    press(KEY.Key_F)
    press(KEY.Key_PageUp, CONTROL)
    np.testing.assert_array_equal(image.masks.array, masks)
    actions["interpolate"].trigger()
    filled = image.masks.array.copy()
    np.testing.assert_array_equal(filled[1], masks[0])
    actions["rendering"].trigger()
    assert all(actions[name].isEnabled() for name in on_a_plane)
    assert "3D" not in actions["grow"].toolTip()
    press(KEY.Key_F)
    assert image.masks.array[2, 30, 30] == 5
    undone(user, image, filled)


@pytest.mark.slow
def test_layers_are_updated_once_for_each_plane(opened, user, press, monkeypatch):
    masks = np.zeros((3, 8, 8), np.uint16)
    for z in range(3):
        masks[z, z:] = z + 1
    opened(masks, "ZYX")
    canvas, updates = user.window.canvas, []
    slicer = canvas.model._layer_slicer
    submit = slicer.submit

    def counted(**how):
        updates.append(len(list(how["layers"])))
        return submit(**how)

    monkeypatch.setattr(slicer, "submit", counted)
    for n, key in enumerate((KEY.Key_PageUp, KEY.Key_PageDown, KEY.Key_PageDown), 1):
        press(key)
        assert updates == [2] * n
    for layer in canvas.model.layers:
        np.testing.assert_array_equal(layer._slice.image.raw, layer.data[canvas.plane])
