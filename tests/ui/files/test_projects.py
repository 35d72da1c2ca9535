"""Projects in the window: naming, opening, closing, going on, and what goes wrong."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QMessageBox, QPushButton

from cellpose_studio.app.project.project import Project
from cellpose_studio.app.project.scratch import (
    new_unnamed,
    unnamed_folder,
    unsaved_project,
)
from cellpose_studio.app.session.session import Session
from cellpose_studio.app.settings import Settings
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.file import read_project
from cellpose_studio.io.project.tables.window_state import read_state
from cellpose_studio.ui.segment.thresholds import NEEDS_RUN
from cellpose_studio.ui.window.main_window import MainWindow
from tests.waiting import LONG


@pytest.fixture
def named(user, cells, tmp_path):
    """Return the path of a project with a segmented image, open in the window."""
    user.open(cells("a.tif"))
    user.run()
    path = tmp_path / "named.cpstudio"
    user.window.projects.save_as(path)
    user.wait_idle()
    return path


def answer_files(monkeypatch, path):
    """Let every file dialog return ``path``."""
    for kind in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, kind, lambda *_: (str(path), ""))


@pytest.mark.slow
def test_work_is_saved_without_being_asked_for(user, cells, qtbot):
    user.open(cells("a.tif"))
    image = user.run()
    window = user.window
    user.wait_for(lambda: window.status.saved.text().startswith("saved "))
    assert window.session.project.writer.pending == 0
    assert window.session.project.unnamed
    assert image.masks.revision.kind == "run"


def test_ctrl_s_names_the_project(user, cells, qtbot, tmp_path, monkeypatch):
    user.open(cells("a.tif"))
    unnamed = user.window.session.project.path
    answer_files(monkeypatch, tmp_path / "mine")
    qtbot.keyClick(user.window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    user.wait_idle()
    assert user.message == f"Saved as mine.cpstudio in {tmp_path}."
    assert (tmp_path / "mine.cpstudio").exists()
    assert not unnamed.exists()
    assert user.window.windowTitle() == "a.tif - mine - Cellpose Studio"
    assert user.window.services.settings.recent[0] == tmp_path / "mine.cpstudio"


@pytest.mark.slow
def test_a_project_comes_back_as_it_was_left(user, named, cells):
    window = user.window
    image = window.session.shown
    window.tools.edits.delete([3])
    expected = image.masks.array.copy()
    user.open(cells("b.tif", (64, 64)))
    window.menus.actions["closeProject"].trigger()
    user.wait_idle()
    assert tuple(window.session.images) == ()
    assert window.welcome.isVisible()
    user.open(named)
    assert [e.source.name for e in window.session.images] == ["a.tif", "b.tif"]
    assert window.session.shown.source.name == "b.tif"
    window.menus.actions["previous"].trigger()
    user.wait_idle()
    image = window.session.shown
    np.testing.assert_array_equal(image.masks.array, expected)
    assert "11 cells" in window.segment.result.count.text()
    layer = next(layer for layer in window.canvas.model.layers if layer.name == "cells")
    np.testing.assert_array_equal(layer.data, expected)


@pytest.mark.slow
def test_opacity_and_colours_of_masks_come_back_with_the_project(user, named):
    window = user.window
    window.display.masks.percent.setValue(70)
    window.menus.actions["uncertainty"].trigger()
    window.projects.new()
    user.wait_idle()
    window.display.masks.percent.setValue(20)
    window.menus.actions["uncertainty"].trigger()
    user.open(named)
    assert window.canvas.model.layers["cells"].opacity == 0.7
    assert window.canvas.masks.by_uncertainty
    assert window.menus.actions["uncertainty"].isChecked()
    assert window.display.masks.colours.currentText() == "Uncertainty"


@pytest.mark.parametrize(
    "state", [None, 3, {"opacity": True}, {"opacity": 300, "uncertainty": "yes"}]
)
def test_damaged_settings_of_masks_change_nothing(user, state):
    masks = user.window.display.masks
    masks.load(state)
    assert masks.state() == {"opacity": 40, "uncertainty": False}


@pytest.mark.slow
def test_the_display_is_kept_without_leaving_the_image(user, named):
    user.window.display.masks.percent.setValue(70)

    def stored():
        user.window.session.project.writer.flush(5)
        file = read_project(named)
        try:
            return read_state(file.db, "window").get("masks", {}).get("opacity")
        finally:
            file.close()

    user.wait_for(lambda: stored() == 70)


@pytest.mark.slow
def test_thresholds_are_live_again_after_opening(user, named):
    window = user.window
    window.projects.new()
    user.wait_idle()
    user.open(named)
    image = window.session.shown
    user.wait_for(lambda: image.masks.maker is not None)
    slider = window.segment.result.sliders["cellprob_threshold"]
    assert slider.isEnabled()
    assert image.masks.confidence is not None
    assert "Diameter" in window.segment.result.count.text()
    before = np.count_nonzero(image.masks.array)
    slider.set_value(3.0)
    user.wait_for(lambda: image.masks.parameters.cellprob_threshold == 3.0)
    user.wait_for(lambda: image.preview_of is None)
    assert np.count_nonzero(image.masks.array) < before
    assert image.masks.revision.kind == "threshold"


@pytest.mark.slow
def test_without_flows_thresholds_need_a_run(user, named, monkeypatch):
    window = user.window
    window.projects.new()
    user.wait_idle()
    monkeypatch.setattr("cellpose_studio.io.cache.flows.FlowCache.get", lambda *_: None)
    user.open(named)
    slider = window.segment.result.sliders["cellprob_threshold"]
    assert not slider.isEnabled()
    assert NEEDS_RUN in slider.toolTip()


@pytest.mark.slow
def test_ctrl_click_deletes_a_cell_for_good(user, named, qtbot):
    window = user.window
    image = window.session.shown
    window.tools.edits.delete([1])
    window.tools.edits.delete([2])
    assert image.masks.cells == 10
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert image.masks.cells == 11
    path = window.session.project.path
    window.session.project.writer.flush(60)
    other = Project.open(path)
    [same] = Session(other).images
    np.testing.assert_array_equal(same.masks.array, image.masks.array)
    other.close()


@pytest.mark.slow
def test_unnamed_work_is_offered_again(user, cells, qtbot, tmp_path):
    project = new_unnamed()
    session = Session(project)
    session.add(open_images(cells("mine.tif")))
    project.close()
    window = MainWindow(Settings.load(tmp_path / "other.json"), new_unnamed())
    window.show()
    window.warm_up()
    qtbot.waitUntil(lambda: bool(window.welcome.unsaved))
    [offer] = [o for o in window.welcome.unsaved if o.toolTip() == str(project.path)]
    assert "1 image" in offer.text()
    qtbot.mouseClick(offer, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(window.session.images) == 1)
    assert window.session.images[0].source.name == "mine.tif"
    assert window.session.project.unnamed
    window.close()
    (unnamed_folder() / project.path.name).unlink()


@pytest.mark.slow
def test_recent_projects_are_offered_when_no_image_is_shown(user, named, qtbot):
    window = user.window
    assert not window.welcome.recent
    window.projects.close()
    qtbot.waitUntil(lambda: bool(window.welcome.recent))
    [button] = window.welcome.recent
    assert button.text().startswith("named\n1 image, ")
    user.wait_for(button.isVisible)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    user.wait_for(lambda: window.session.project.path == named)
    assert [image.source.name for image in window.session.images] == ["a.tif"]


@pytest.mark.slow
def test_an_image_whose_masks_are_in_another_project_leads_there(user, named, cells):
    window = user.window
    image = window.session.shown.source.path
    cells("b.tif")
    window.projects.new()
    user.open(image)
    assert user.message == "a.tif has masks in the project named."
    assert window.session.shown.masks is None
    bar = window.services.messages
    assert bar.action.text() == "Open project"
    bar.action.click()
    user.wait_for(lambda: window.session.project.path == named)
    assert window.session.shown.source.path == image
    user.wait_for(lambda: window.session.shown.masks is not None)
    # An image that no project knows leads nowhere.
    user.open(image.with_name("b.tif"))
    assert user.message == ""


def test_unnamed_work_that_was_just_left_is_offered(user, cells):
    window = user.window
    services = window.services
    user.open(cells("a.tif"))
    going = threading.Event()
    # It takes a moment to write what is left, and until then the project is locked.
    services.run("Waiting", lambda _: going.wait(LONG), lambda _: None)
    window.projects.new()
    user.wait_for(lambda: not window.session.images and not services.stack_jobs.jobs)

    def offered():
        buttons = window.welcome.findChildren(QPushButton, "projectOffer")
        return [one.text() for one in buttons if one.isVisible()]

    assert not any("Recover 1 image" in text for text in offered())
    going.set()
    user.wait_for(lambda: any("Recover 1 image" in text for text in offered()))


def test_empty_unnamed_projects_are_cleared_away(qapp):
    project = new_unnamed()
    empty = unnamed_folder() / "empty.cpstudio"
    Project.create(empty).close()
    assert project.path not in [found.path for found in unsaved_project()]
    assert project.path.exists()
    assert not empty.exists()
    project.close()


@pytest.mark.slow
def test_a_project_in_two_windows(user, named, tmp_path, qtbot):
    second = MainWindow(Settings.load(tmp_path / "second.json"), new_unnamed())
    second.show()
    second.open([named])
    qtbot.waitUntil(lambda: len(second.session.images) == 1)
    assert (
        second.session.project.read_only_reason in second.services.messages.text.text()
    )
    assert second.services.messages.isVisible()
    assert second.status.saved.text() == "read-only"
    second.projects.save_as(tmp_path / "copy.cpstudio")
    qtbot.waitUntil(lambda: second.status.saved.text().startswith("saved "))
    second.close()


@pytest.mark.slow
def test_a_tab_chosen_while_a_project_is_loading_stays(user, named):
    window = user.window
    window.tabs.setCurrentWidget(window.curate)
    window.projects.new()
    user.wait_idle()
    window.open([named])
    window.tabs.setCurrentWidget(window.history)
    user.wait_idle()
    user.wait_for(lambda: window.session.project.path == named)
    assert window.tabs.currentWidget() is window.history
    window.tabs.setCurrentWidget(window.segment)
    window.projects.new()
    user.wait_idle()
    window.tabs.setCurrentWidget(window.history)
    user.open(named)
    assert window.tabs.currentWidget() is window.segment


@pytest.mark.slow
def test_a_damaged_project_is_told_and_rescued(user, named, cells, monkeypatch):
    window = user.window
    window.projects.new()
    user.wait_idle()
    content = bytearray(named.read_bytes())
    content[4096:8192] = bytes(4096)
    named.write_bytes(content)
    user.open(named)
    assert "damaged" in user.message
    assert "Rescue" in user.message
    assert tuple(window.session.images) == ()
    answer_files(monkeypatch, named)
    window.menus.actions["rescue"].trigger()
    user.wait_idle()
    assert window.session.project.path.stem == "named-rescued"
    assert named.read_bytes() == bytes(content)


@pytest.mark.slow
def test_what_is_open_of_an_overwritten_project_is_saved_elsewhere(
    user, named, tmp_path
):
    before = user.window.session.shown.masks.array.copy()
    named.write_bytes(b"another program's " * 3000)
    user.window.session.set_reviewed(user.window.session.shown, True)
    user.wait_for(lambda: "another program replaced its content" in user.message)
    assert "new project (Ctrl+S)" in user.message
    user.window.projects.save_as(tmp_path / "mine.cpstudio")
    user.wait_idle()
    session = user.window.session
    assert session.project.path == tmp_path / "mine.cpstudio"
    assert user.message == "Saved what is open as mine: masks of 1 image."
    user.wait_for(lambda: session.shown is not None and session.shown.masks is not None)
    np.testing.assert_array_equal(session.shown.masks.array, before)
    assert session.shown.reviewed
    assert named.read_bytes() == b"another program's " * 3000


def test_what_is_no_project_is_told(user, tmp_path):
    for content in (b"", b"no project at all", bytes(4096)):
        path = tmp_path / "odd.cpstudio"
        path.write_bytes(content)
        user.open(path)
        assert "odd.cpstudio" in user.message
    user.open(tmp_path / "gone.cpstudio")
    assert "gone.cpstudio does not exist in " in user.message


@pytest.mark.slow
def test_an_image_that_has_gone_is_told_and_its_masks_are_shown(user, named):
    window = user.window
    path = window.session.shown.source.path
    window.projects.new()
    user.wait_idle()
    path.unlink()
    user.open(named)
    assert "a.tif is no longer in" in user.message
    assert "Relink" in user.message
    assert "12 cells" in window.segment.result.count.text()


@pytest.mark.slow
def test_another_image_in_its_place_is_refused(user, named, cells):
    window = user.window
    path = window.session.shown.source.path
    window.projects.new()
    user.wait_idle()
    tifffile.imwrite(path, np.zeros((96, 128), np.uint16))
    user.open(named)
    assert "different image" in user.message


@pytest.mark.slow
def test_closing_asks_only_when_something_cannot_be_saved(user, named, monkeypatch):
    window = user.window
    project = window.session.project
    asked = []

    def answer(*args):
        asked.append(args[2])
        return QMessageBox.StandardButton.Cancel

    monkeypatch.setattr(QMessageBox, "warning", answer)
    window.projects.patience = 0.2
    project.writer.flush(60)
    other = sqlite3.connect(project.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    window.tools.edits.delete([1])
    window.close()
    assert window.isVisible()
    assert "could not be saved" in asked[0]
    other.close()
    assert project.writer.flush(60)
    window.close()
    assert not window.isVisible()
    assert len(asked) == 1


@pytest.mark.slow
def test_the_plane_of_a_stack_is_remembered(user, cells, tmp_path):
    user.open(cells("stack.tif", (5, 64, 64), "ZYX"))
    window = user.window
    path = tmp_path / "stack.cpstudio"
    window.projects.save_as(path)
    user.wait_idle()
    window.canvas.set_planes({"Z": 4})
    window.projects.new()
    user.wait_idle()
    user.open(Path(path))
    assert window.canvas.planes == {"Z": 4}


@pytest.mark.slow
def test_undo_goes_on_after_opening_again(user, named, qtbot):
    window = user.window
    image = window.session.shown
    first = image.masks.array.copy()
    window.tools.edits.delete([3])
    window.tools.edits.delete([5])
    window.session.undo()
    window.projects.new()
    user.wait_idle()
    user.open(named)
    image = window.session.shown
    assert window.menus.actions["undo"].text() == "&Undo Delete cell"
    assert window.menus.actions["redo"].text() == "&Redo Delete cell"
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    user.wait_idle()
    np.testing.assert_array_equal(image.masks.array, first)
    qtbot.keyClick(window, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(window, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    user.wait_idle()
    assert image.masks.cells == 10
    assert not window.session.can_redo
    for _ in range(3):
        window.session.undo()
    user.wait_idle()
    assert image.label_sets == {}
    assert not window.session.can_undo


@pytest.mark.slow
def test_a_project_that_is_opened_twice_at_once_can_be_written_to(user, named):
    user.window.projects.new()
    user.wait_idle()
    user.open(named, named)
    user.window.open([named])
    user.window.open([named])
    user.wait_idle()
    project = user.window.session.project
    assert project.path == named
    assert project.read_only_reason == ""
    user.open(named)
    assert user.message == "named.cpstudio is already open."


@pytest.mark.slow
def test_images_beside_a_project_come_into_it(user, named, cells):
    user.window.projects.new()
    user.wait_idle()
    user.open(cells("b.tif"), named, cells("c.tif"))
    user.wait_idle()
    assert user.window.session.project.path == named
    names = [image.source.name for image in user.window.session.images]
    assert names == ["a.tif", "b.tif", "c.tif"]
    user.open(named, cells("d.tif"))
    assert len(user.window.session.images) == 4


@pytest.mark.slow
def test_the_window_closes_whatever_fails(user, named, monkeypatch):
    window = user.window
    project = window.session.project

    def fail(*_):
        raise ValueError("damaged")

    monkeypatch.setattr(window.session, "seal_all", fail)
    monkeypatch.setattr(window.images, "shut_down", fail)
    left = []
    window.session.leaving.connect(lambda: left.append(project.writer.pending))
    with user.qtbot.captureExceptions() as raised:
        window.close()
    assert [str(error) for _, error, _ in raised] == ["damaged"]
    assert not window.isVisible()
    assert left == [0]
    again = Project.open(named)
    assert again.read_only_reason == ""
    again.close()


@pytest.mark.slow
def test_it_is_said_that_an_import_was_not_finished(user, cells, tmp_path):
    # So many that they are not read between two looks.
    first = cells("many/first.tif", (32, 32))
    for n in range(1, 300):
        shutil.copy(first, first.with_name(f"{n:03}.tif"))
    window = user.window
    window.open([tmp_path / "many"])
    user.wait_for(lambda: len(window.session.images) > 0)
    added = len(window.session.images)
    window.projects.new()
    user.wait_for(lambda: "was stopped" in user.message)
    assert f"{added} of 300 files were added to the previous project." in user.message
    assert tuple(window.session.images) == ()


def test_unnamed_work_is_looked_for_off_the_gui_thread(user, monkeypatch):
    threads = []

    def look():
        threads.append(threading.current_thread())
        return []

    monkeypatch.setattr(
        "cellpose_studio.ui.window.welcome.offers.unsaved_project", look
    )
    user.window.warm_up()
    user.wait_idle()
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()
