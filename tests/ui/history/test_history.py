"""The History tab: the tree, comparing, going back, and how it was run."""

from __future__ import annotations

import json
import re
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from cellpose_studio.app.history import lineage_reader
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.core.display.label_marks import ACCEPTED
from cellpose_studio.core.display.label_picture import OUTLINE
from cellpose_studio.core.matching.compare import REMOVED
from cellpose_studio.io.project.tables.revisions import read_revisions
from cellpose_studio.ui.canvas.pictures import COMPARISON
from cellpose_studio.ui.history import rows
from cellpose_studio.ui.history.delegate import DETAIL, HEAD, NOTE

LEFT = Qt.MouseButton.LeftButton
INSIDE = np.uint8(OUTLINE - 1)


class HistoryUser:
    """Works with the History tab."""

    def __init__(self, user) -> None:
        self.user = user
        self.window = user.window
        self.panel = user.window.history
        self.qtbot = user.qtbot
        self.reader = user.window.history._reader
        self.told = []
        self.reader.changed.connect(self.told.append)

    def look(self):
        """Open the tab and wait for what it tells."""
        bar = self.window.tabs.tabBar()
        at = self.window.tabs.indexOf(self.panel)
        self.qtbot.mouseClick(bar, LEFT, pos=bar.tabRect(at).center())
        self.settle()
        return self

    def settle(self):
        """Wait until all that is going on has ended, and the history was read again."""
        queues, reader = self.window.services.queues, self.reader
        self.user.wait_for(
            lambda: (
                not any(queue.jobs for queue in queues)
                and not (reader._looking and reader._timer.isActive())
            )
        )

    def undo(self):
        self.window.menus.actions["undo"].trigger()

    def lines(self):
        """Return title and details of all rows; a star for what is in bold."""
        found = []
        for item in self.panel.tree.row_items():
            star = "* " if item.data(0, HEAD) else ""
            detail = item.data(0, DETAIL)
            found.append(star + item.text(0) + (f": {detail}" if detail else ""))
        return found

    def item(self, text):
        items = self.panel.tree.row_items()
        return next(i for i in items if text in f"{i.text(0)}: {i.data(0, DETAIL)}")

    def click(self, text, more=False):
        tree = self.panel.tree
        place = tree.visualItemRect(self.item(text)).center()
        held = (
            Qt.KeyboardModifier.ControlModifier
            if more
            else (Qt.KeyboardModifier.NoModifier)
        )
        self.qtbot.mouseClick(tree.viewport(), LEFT, held, place)

    def press(self, name):
        button = self.panel.buttons[name]
        assert button.isEnabled()
        self.qtbot.mouseClick(button, LEFT)
        self.settle()

    def action(self, name):
        """Return an entry of the context menu, or of its menu "How did I run this?"."""
        panel = self.panel
        entries = [*panel.menu.actions(), *panel.how.actions()]
        return next(entry for entry in entries if entry.objectName() == name)

    def how(self, name):
        """Choose an entry of "How did I run this?"."""
        action = self.action(name)
        assert action in self.panel.how.actions()
        assert action.isEnabled()
        action.trigger()
        self.settle()

    @property
    def overlay(self):
        layers = self.window.canvas.model.layers
        return next((one for one in layers if one.name == COMPARISON), None)


@pytest.fixture
def history(user):
    return HistoryUser(user)


@pytest.fixture
def run(user, cells):
    """Return a function that opens an image and runs on it with a diameter of 20."""

    def make(name="a.tif", *more):
        [image, *_] = user.open(cells(name), *(cells(n) for n in more))
        user.window.segment.parameters.main.set_values({"diameter": 20.0})
        user.run()
        return image

    return make


def set_threshold(history, name, value):
    history.window.segment.result.sliders[name].set_value(value)
    window, image = history.window, history.window.session.shown
    history.user.wait_for(
        lambda: (
            image.masks.revision is not None
            and image.masks.revision.kind == "threshold"
            and not window.services.io_jobs.jobs
        )
    )
    history.settle()


def delete(history, cell):
    history.window.tools.edits.delete([cell])
    history.settle()


def stored(history, image):
    """Return the revisions in the project file."""
    number = image.label_set_ids[image.active]
    return history.window.session.project.read(lambda db: read_revisions(db, number))


@pytest.mark.slow
def test_the_work_on_an_image_is_told_step_by_step(history, run):
    history.look()
    assert "Open an image" in history.panel.empty.text()
    run()
    history.settle()
    [first] = history.lines()
    assert first.startswith("* Run, 12 cells: shown now · ")
    assert first.endswith("Diameter 20 px")
    set_threshold(history, "min_size", 20)
    assert history.lines() == [
        "* Thresholds, 12 cells: shown now · Smallest cell 15 → 20 px",
        first.removeprefix("* ").replace("shown now · ", ""),
    ]
    delete(history, 3)
    delete(history, 4)
    assert history.lines()[0] == "* 2 edits since"
    tip = history.item("2 edits since").toolTip(0)
    assert "Delete cell 4" in tip
    assert tip.index("Delete cell 4") < tip.index("Delete cell 3")
    assert history.panel.tree.topLevelItemCount() == 3


@pytest.mark.slow
def test_undo_moves_the_mark_and_a_new_run_makes_a_branch(history, run):
    image = run()
    set_threshold(history, "min_size", 20)
    history.look()
    history.undo()
    history.settle()
    assert [line.startswith("* ") for line in history.lines()] == [False, True]
    history.window.segment.parameters.main.set_values({"diameter": 25.0})
    history.user.run()
    history.settle()
    top = history.panel.tree.topLevelItem(1)
    assert history.panel.tree.topLevelItemCount() == 2
    assert top.childCount() == 1
    assert "Smallest cell" in top.child(0).data(0, DETAIL)
    assert history.lines()[0].startswith(f"* Run, {image.masks.cells} cells")
    assert "Diameter 20 → 25 px" in history.lines()[0]
    for button in (history.panel.how_button, history.panel.apply_button):
        assert button.isEnabled()
        assert button.toolTip() not in ("", "<qt></qt>")


def test_without_masks_everything_is_off_and_says_why(history, user, cells):
    history.look()
    for button in history.panel.buttons.values():
        assert not button.isEnabled()
        assert button.toolTip() not in ("", "<qt></qt>")
    assert not history.panel.how_button.isEnabled()
    user.open(cells("a.tif"))
    history.settle()
    assert "No masks yet" in history.panel.empty.text()
    assert "no masks yet" in history.panel.how_button.toolTip()
    assert not user.window.menus.actions["howMade"].isEnabled()


@pytest.mark.slow
def test_a_run_that_failed_is_told_with_its_reason(history, user, cells):
    [image] = user.open(cells("a.tif"))
    image.source.path.unlink()
    user.click_run()
    user.wait_idle()
    history.look()
    [line] = history.lines()
    assert line.startswith("Run failed: a.tif can no longer be read")
    history.click("Run failed")
    assert "produced no masks" in history.action("command").toolTip()
    assert not history.action("restore").isEnabled()
    assert history.action("use").isEnabled()


# Comparing


@pytest.mark.slow
def test_comparing_colours_the_cells_and_says_how_many(history, run):
    image = run()
    before = image.masks.array.copy()
    delete(history, 2)
    history.look()
    history.click("Run, 12 cells")
    history.press("compare")
    overlay = history.overlay
    assert overlay.visible
    np.testing.assert_array_equal(overlay.data & INSIDE == REMOVED, before == 2)
    assert not history.window.canvas.model.layers["cells"].visible
    text = re.sub("<[^>]*>|&nbsp;", " ", history.window.comparison.bar.text.text())
    assert "Revision 1 → now" in text
    assert re.findall(r"(\d+) +(\w+)", text) == [
        ("0", "added"),
        ("1", "removed"),
        ("0", "changed"),
        ("11", "unchanged"),
    ]
    history.qtbot.mouseClick(history.window.comparison.bar.close_button, LEFT)
    assert history.overlay is None
    assert not history.window.comparison.bar.isVisible()
    assert history.window.canvas.model.layers["cells"].visible


def compare_first(history):
    history.look()
    history.click("Run, 12 cells")
    history.press("compare")
    assert history.overlay is not None


@pytest.mark.slow
def test_escape_leaves_a_comparison(history, run, qtbot):
    run()
    delete(history, 2)
    compare_first(history)
    qtbot.keyClick(history.window, Qt.Key.Key_Escape)
    assert history.overlay is None


@pytest.mark.slow
def test_two_revisions_are_compared_the_older_first(history, run):
    image = run()
    history.look()
    delete(history, 2)
    history.window.session.seal(image)
    delete(history, 5)
    history.click("Run, 12")
    history.click("Edited, 11", more=True)
    history.press("compare")
    assert "Revision 1 → revision 2" in history.window.comparison.bar.text.text()
    assert set(np.unique(history.overlay.data & INSIDE)) == {0, 1, REMOVED}


@pytest.mark.slow
def test_other_masks_or_another_image_end_a_comparison(history, run):
    image = run("a.tif", "b.tif")
    delete(history, 2)
    compare_first(history)
    history.undo()
    assert history.overlay is None
    history.settle()
    delete(history, 2)
    compare_first(history)
    other = history.window.session.images[1]
    history.window.session.show(other.source.key)
    assert history.overlay is None
    assert not history.window.comparison.bar.isVisible()
    history.window.session.show(image.source.key)
    assert history.overlay is None
    assert history.window.canvas.model.layers["cells"].visible


@pytest.mark.slow
def test_a_comparison_that_comes_too_late_is_not_shown(history, run):
    run("a.tif", "b.tif")
    delete(history, 2)
    history.look()
    history.click("Run, 12 cells")
    history.qtbot.mouseClick(history.panel.buttons["compare"], LEFT)
    history.window.session.show(history.window.session.images[1].source.key)
    history.settle()
    assert history.overlay is None
    assert not history.window.comparison.bar.isVisible()


@pytest.mark.slow
def test_what_is_shown_cannot_be_compared_with_itself(history, run):
    run()
    history.look()
    history.click("Run, 12 cells")
    assert not history.panel.buttons["compare"].isEnabled()
    assert "shown now" in history.panel.buttons["compare"].toolTip()


# Going back


@pytest.mark.slow
def test_restoring_makes_a_new_revision_that_can_be_undone(history, run):
    image = run()
    before = image.masks.array.copy()
    delete(history, 2)
    history.look()
    history.click("Run, 12 cells")
    history.press("restore")
    assert image.masks.cells == 12
    np.testing.assert_array_equal(image.masks.array, before)
    assert [(r.id, r.kind, r.cells) for r in stored(history, image)] == [
        (1, "run", 12),
        (2, "edit", 11),
        (3, "restore", 12),
    ]
    assert history.lines()[0] == "* Restored, 12 cells: shown now · from revision 1"
    assert "Revision 1 was restored" in history.user.message
    history.undo()
    history.settle()
    assert image.masks.cells == 11
    assert 2 not in image.masks.array


@pytest.mark.slow
def test_what_was_decided_stays_with_its_cell_when_masks_come_back(history, run):
    image, session = run(), history.window.session
    before = image.masks.array.copy()
    delete(history, 2)
    history.window.menus.actions["relabel"].trigger()
    history.settle()
    relabelled = image.masks.array.copy()
    there = np.unravel_index(np.argmax(before == 5), before.shape)
    now = int(relabelled[there])
    assert now != 5
    session.set_cell_status(image, [now], "accepted")
    history.look()
    history.click("Run, 12 cells")
    drawn = []
    layer = history.window.canvas.masks._layers[image.active]
    layer.events.set_data.connect(drawn.append)
    history.press("restore")
    np.testing.assert_array_equal(image.masks.array, before)
    assert image.statuses[image.active] == {5: "accepted"}
    # They are drawn once, with the marks of the cells.
    assert len(drawn) == 1
    np.testing.assert_array_equal(layer.picture, layer.draw_picture(before))
    np.testing.assert_array_equal(layer.picture & 0x7F == ACCEPTED, before == 5)
    session.undo()
    history.settle()
    np.testing.assert_array_equal(image.masks.array, relabelled)
    assert image.statuses[image.active] == {now: "accepted"}


@pytest.mark.slow
def test_thresholds_are_live_after_restoring(history, run):
    image = run()
    delete(history, 2)
    history.look()
    history.click("Run, 12 cells")
    history.press("restore")
    assert image.masks.maker is not None
    assert history.window.segment.result.sliders["min_size"].isEnabled()


@pytest.mark.slow
def test_a_version_is_saved_with_a_note(history, run):
    image = run()
    delete(history, 2)
    history.look()
    left = []

    def type_note() -> None:
        dialog = QApplication.activeModalWidget()
        field = dialog.focusWidget()
        assert field.accessibleName() == "A note on this version:"
        QTest.keyClicks(field, "Checked")
        # The Tab key leads on to the buttons.
        QTest.keyClick(field, Qt.Key.Key_Tab)
        left.append(dialog.focusWidget() is not field)
        dialog.accept()

    QTimer.singleShot(0, type_note)
    history.press("saveVersion")
    assert left == [True]
    assert [(r.kind, r.note) for r in stored(history, image)] == [
        ("run", ""),
        ("edit", "Checked"),
    ]
    assert history.item("Edited").data(0, NOTE) == "Checked"
    history.panel.revisions.ask_text = lambda *_: "Twice"
    history.window.menus.actions["saveVersion"].trigger()
    history.settle()
    assert [r.note for r in stored(history, image)] == ["", "Checked\nTwice"]
    history.panel.revisions.ask_text = lambda *_: None
    history.press("saveVersion")
    assert len(stored(history, image)) == 2


@pytest.mark.slow
def test_a_note_can_be_changed(history, run):
    image = run()
    history.look()
    asked = []
    history.panel.revisions.ask_text = lambda *words: asked.append(words) or "Too large"
    history.click("Run, 12 cells")
    history.press("note")
    assert stored(history, image)[0].note == "Too large"
    assert history.item("Run, 12 cells").data(0, NOTE) == "Too large"
    # What was selected stays so.
    history.press("note")
    assert asked[1][2] == "Too large"


# Parameters


@pytest.mark.slow
def test_the_parameters_of_a_run_come_back_into_the_panel(history, run):
    run()
    main = history.window.segment.parameters.main
    main.set_values({"diameter": 33.0})
    history.user.run()
    history.look()
    history.click("Diameter 20 px")
    history.press("use")
    assert main.values()["diameter"] == 20.0
    assert history.window.tabs.currentWidget() is history.window.segment
    assert "were copied to the Segment panel" in history.user.message


@pytest.mark.slow
def test_the_parameters_are_applied_to_other_images(history, run):
    run("a.tif", "b.tif", "c.tif")
    masks = history.window.segment.parameters.masks
    masks.choose("nuclei")
    history.user.run()
    # The runs write to masks of the same name, whatever comes next.
    masks.choose("cells")
    history.window.segment.parameters.main.set_values({"diameter": 50.0})
    history.look()
    history.panel.apply.aboutToShow.emit()
    selected, others = history.panel.apply.actions()
    assert (selected.text(), others.text()) == (
        "0 images selected in the list",
        "2 images of the project except this one",
    )
    assert not selected.isEnabled()
    others.trigger()
    history.settle()
    history.user.wait_for(lambda: not history.window.background.run_queue.left)
    history.user.wait_idle()
    for image in history.window.session.images:
        assert image.masks.name == "nuclei"
        assert image.masks.record.parameters.diameter == 20.0
        assert image.masks.cells == 12


# How did I run this?


def clipboard():
    return QApplication.clipboard().text()


@pytest.mark.slow
def test_how_it_was_run_is_copied(history, run):
    run()
    delete(history, 2)
    history.look()
    history.how("command")
    assert clipboard().splitlines()[-1].startswith("cellpose-studio segment") or (
        "cellpose-studio segment" in clipboard()
    )
    assert "--diameter=20.0" in clipboard()
    # The edits were made a revision first, so that they could be told of.
    assert "Delete cell" in clipboard()
    assert history.user.message == "Copied the command line of revision 2."
    history.how("script")
    assert "20.0" in clipboard()
    history.how("methods")
    assert "The diameter was set to 20 px" in clipboard()
    assert "References" in clipboard()


@pytest.mark.slow
def test_the_menu_leads_to_what_is_shown(history, run):
    run()
    set_threshold(history, "min_size", 20)
    history.window.menus.actions["howMade"].trigger()
    history.settle()
    assert history.window.tabs.currentWidget() is history.panel
    [row] = history.panel.tree.selected()
    assert row.is_head
    history.how("command")
    assert "--min-size=20" in clipboard()


@pytest.mark.slow
def test_the_menu_leads_to_the_edits_if_there_are_some(history, run):
    run()
    delete(history, 2)
    history.window.menus.actions["howMade"].trigger()
    history.settle()
    [row] = history.panel.tree.selected()
    assert row.node is None
    history.how("methods")
    assert "corrected by hand in 1 step: Delete cell" in clipboard()


@pytest.mark.slow
def test_a_view_for_reading_only_says_so(history, run, monkeypatch):
    image = run()
    delete(history, 2)
    project = history.window.session.project
    monkeypatch.setattr(type(project), "read_only_reason", "It is open elsewhere.")
    history.look()
    history.click("Run, 12 cells")
    for name in ("restore", "note", "saveVersion"):
        assert not history.panel.buttons[name].isEnabled()
        assert "open elsewhere" in history.panel.buttons[name].toolTip()
    history.window.menus.actions["saveVersion"].trigger()
    assert history.user.message == "It is open elsewhere."
    history.panel.tree.clearSelection()
    history.how("command")
    assert "revision 1" in history.user.message
    assert image.masks.edited


@pytest.mark.slow
def test_the_record_is_exported(history, run, tmp_path):
    run()
    history.look()
    made = history.panel.provenance
    made.ask_file = lambda *_: (tmp_path / "run.json", "")
    history.how("json")
    content = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert "20.0" in json.dumps(content)
    made.ask_file = lambda _, name, kinds: (tmp_path / name, kinds[1])
    history.how("crate")
    with zipfile.ZipFile(tmp_path / "a_crate.zip") as crate:
        names = crate.namelist()
    assert "ro-crate-metadata.json" in names
    assert "a.tif" in names
    assert "Saved a_crate.zip" in history.user.message
    made.ask_file = lambda *_: None
    history.how("crate")


@pytest.mark.slow
def test_running_again_says_that_it_is_the_same(history, run):
    run()
    history.look()
    history.how("again")
    assert "Identical: all 12 cells" in history.user.message


@pytest.mark.slow
def test_a_changed_image_is_said_to_give_other_cells(history, run):
    image = run()
    pixels = tifffile.imread(image.source.path)
    pixels[:40] = 100
    tifffile.imwrite(image.source.path, pixels)
    history.look()
    history.how("again")
    assert "Different" in history.user.message
    assert "have changed since the run" in history.user.message


@pytest.mark.slow
def test_imported_masks_have_no_run_and_say_so(history, user, cells, tmp_path):
    path = cells("a.tif")
    labels = np.zeros((96, 128), np.uint16)
    labels[10:30, 10:30] = 1
    tifffile.imwrite(tmp_path / "a_masks.tif", labels)
    user.open(path)
    history.look()
    assert history.lines()[0].startswith("* Imported, 1 cell: shown now")
    history.click("Imported")
    for name in ("command", "again", "use"):
        action = history.action(name)
        assert not action.isEnabled()
        assert "has no run: its masks were imported from a_masks.tif" in (
            action.toolTip()
        )
    # A paper has to tell of them all the same.
    history.how("methods")
    assert "Masks were imported from a_masks.tif" in clipboard()


# Much of it


@pytest.mark.slow
def test_two_hundred_revisions_do_not_stop_the_window(
    history, user, cells, monkeypatch
):
    titles, title = [], rows.title
    monkeypatch.setattr(rows, "title", lambda node: titles.append(node) or title(node))
    readers, read = set(), lineage_reader.read_lineages
    monkeypatch.setattr(
        lineage_reader,
        "read_lineages",
        lambda *given: readers.add(threading.current_thread()) or read(*given),
    )
    [image] = user.open(cells("a.tif"))
    pixels = np.zeros((96, 128), np.uint32)
    pixels[10:30, 10:30] = 1
    session = history.window.session
    for n in range(200):
        labels = LabelSet(
            name="cells", pixels=LabelImage(pixels), origin=f"{n}", cells=1
        )
        session.replace_masks(image, replace(labels), "Run")
    user.wait_idle()
    history.look()
    tree = history.panel.tree
    tree.grab()
    assert tree.topLevelItemCount() == 200
    # Not by the thread of the window, and texts are made of what is in sight only.
    assert readers
    assert threading.main_thread() not in readers
    row = tree.visualItemRect(tree.topLevelItem(0)).height()
    in_sight = tree.viewport().height() // row + 2
    assert len({node.revision.id for node in titles}) <= in_sight < 50
    # Later changes are told to the tree, and leave the other rows as they are.
    changes = []
    model = history.panel.tree.model()
    model.rowsInserted.connect(lambda _, *at: changes.append(("inserted", *at)))
    model.rowsRemoved.connect(lambda _, *at: changes.append(("removed", *at)))
    model.modelReset.connect(lambda: changes.append("reset"))
    told, titled = len(history.told), len(titles)
    session.masks_changed.emit(MasksChange(image=image, name="cells", kind="loaded"))
    history.settle()
    assert len(history.told) == told + 1
    assert changes == []
    session.replace_masks(image, replace(labels, origin="last"), "Run")
    history.settle()
    assert changes == [("inserted", 0, 0)]
    assert len(titles) - titled <= 4 * in_sight


@pytest.mark.slow
def test_another_project_has_its_own_history(history, run, user):
    run()
    history.look()
    history.window.projects.new()
    history.settle()
    assert history.lines() == []
    assert "Open an image" in history.panel.empty.text()


@pytest.mark.slow
def test_the_history_is_there_after_a_restart(history, run, tmp_path):
    image = run()
    delete(history, 2)
    history.look()
    before = [row.key for row in history.panel.tree.rows()]
    path = tmp_path / "kept.cpstudio"
    history.window.projects.save_as(path)
    history.user.wait_idle()
    history.window.projects.new()
    history.user.wait_idle()
    history.window.open([Path(path)])
    history.user.wait_for(lambda: history.window.session.shown is not None)
    history.settle()
    assert history.window.session.shown.source.name == image.source.name
    lines = history.lines()
    assert lines[0] == "* Edited, 11 cells: shown now · 1 edit: Delete cell"
    assert len(lines) == len(before)
