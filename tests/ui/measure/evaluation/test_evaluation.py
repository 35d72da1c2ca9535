"""The evaluation in the Measure tab."""

from __future__ import annotations

import csv
import json
import shutil
import threading
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

from cellpose_studio.app.masks.label_set import LabelImage
from cellpose_studio.app.session.classes import add_class, put_into_class
from cellpose_studio.cli.main import run
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.core.matching.compare import ADDED, REMOVED, UNCHANGED
from cellpose_studio.core.review.training_marks import NO_MARKS
from cellpose_studio.core.runs.region import Region
from tests.waiting import LONG

LEFT, NOTHING = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def panel(user, cells):
    """The evaluation of three imported cells, of which one was deleted by hand."""
    path = cells("a.tif")
    masks = np.zeros((96, 128), np.uint16)
    masks[10:20, 10:20], masks[30:50, 30:50], masks[60:65, 60:65] = 1, 2, 3
    tifffile.imwrite(path.with_name("a_masks.tif"), masks)
    user.open(path)
    window = user.window
    image = window.session.shown
    user.wait_for(lambda: image.masks is not None and image.masks.pixels.loaded)
    labels = image.masks.array
    part = (slice(60, 65), slice(60, 65))
    gone = np.zeros((5, 5), np.uint32)
    window.session.edit(image, edit_between("Delete cell", [3], labels, part, gone))
    part = (slice(70, 80), slice(100, 110))
    new = np.full((10, 10), 4, np.uint32)
    window.session.edit(image, edit_between("Draw", [4], labels, part, new))
    window.menus.actions["evaluateMasks"].trigger()
    panel = window.measure.evaluation
    user.wait_for(lambda: panel.form.found.count() >= 2)
    return panel


def value_of(panel, score: str, column: int = 1) -> str:
    model = panel.results.summary.model()
    for row in range(model.rowCount()):
        if model.index(row, 0).data() == score:
            return model.index(row, column).data()
    raise AssertionError(score)


def evaluate(user, panel) -> None:
    panel.form.evaluate.click()
    user.wait_for(lambda: bool(panel.results.results) and panel._job is None)
    user.wait_idle()


@pytest.mark.slow
def test_masks_before_the_corrections_are_evaluated(
    user, panel, qtbot, tmp_path, capsys
):
    assert panel.form.found.currentText() == "masks before corrections"
    assert panel.form.true.currentText() == "masks"
    evaluate(user, panel)
    # Two of the three are right, one is extra, and one was missed.
    assert value_of(panel, "AP at 0.5") == "0.500"
    assert value_of(panel, "Recall") == "0.667"
    assert value_of(panel, "Mean IoU (SQ)") == "1.000"
    results = panel.results
    results.setCurrentIndex(3)
    model = results.errors.model()
    listed = [
        tuple(model.index(row, column).data() for column in (0, 2, 3))
        for row in range(model.rowCount())
    ]
    assert listed == [("missed", "4", ""), ("extra", "", "3")]
    place = results.errors.visualRect(model.index(0, 0)).center()
    qtbot.mouseClick(results.errors.viewport(), LEFT, NOTHING, place)
    window = user.window
    assert window.selection.cell == 4
    centre = window.canvas.model.scene.camera.center
    assert centre[-2:] == pytest.approx((74.5 * 0.25, 104.5 * 0.25), abs=0.01)
    results.coloured.setChecked(True)
    layers = window.canvas.model.layers
    user.wait_for(lambda: "Comparison" in layers)
    drawn = layers["Comparison"].data & 0x7F
    at = [int(drawn[place]) for place in ((75, 105), (62, 62), (40, 40), (0, 0))]
    assert at == [REMOVED, ADDED, UNCHANGED, 0]
    # Selecting on the canvas selects in the list; an edit ends the colours.
    window.selection.select(0)
    window.selection.select(4)
    assert results.errors.selectionModel().selectedRows()[0].row() == 0
    panel.ask = lambda _: str(tmp_path / "scores.csv")
    panel.form.export.click()
    user.wait_for((tmp_path / "scores_cells.csv").exists)
    rows = list(csv.DictReader((tmp_path / "scores.csv").open()))
    assert float(rows[0]["ap"]) == 0.5
    # Files beside the one that was chosen are not replaced unasked.
    asked = []
    panel.may_replace = lambda _, files: asked.extend(f.name for f in files)
    panel.form.export.click()
    assert asked == ["scores_cells.csv"]
    # A terminal says the same of the project.
    project = tmp_path / "p.cpstudio"
    window.session.project.save_as(project)
    capsys.readouterr()
    assert run(["evaluate", str(project), "--metrics", "ap", "recall"]) == 0
    line = capsys.readouterr().out.splitlines()[1].split()
    assert line == ["a.tif", *["0.500"] * 3, *["0.667"] * 3, "3", "3"]
    window.session.undo()
    user.wait_for(lambda: "Comparison" not in layers)
    assert not results.coloured.isChecked()
    assert "changed since" in panel.note.text()


@pytest.mark.slow
def test_rejected_cells_are_no_true_ones_and_others_may_not_count(
    user, panel, tmp_path, capsys
):
    window = user.window
    session, image = window.session, window.session.shown
    window.selection.select(2)
    window.menus.actions["reject"].trigger()
    evaluate(user, panel)
    counts = "True cells", "Found cells", "Missed at 0.5", "Extra at 0.5"
    assert [value_of(panel, one) for one in counts] == ["2", "3", "1", "2"]
    assert value_of(panel, "AP at 0.5") == "0.250"
    project = tmp_path / "p.cpstudio"
    session.project.save_as(project)
    capsys.readouterr()
    assert run(["evaluate", str(project), "--metrics", "ap", "--iou", "0.5"]) == 0
    line = capsys.readouterr().out.splitlines()[1].split()
    assert line == ["a.tif", "0.250", "2", "3"]
    # What is decided now makes the scores those of another time.
    panel.results.coloured.setChecked(True)
    window.selection.select(1)
    window.menus.actions["later"].trigger()
    assert "changed since" in panel.note.text()
    assert not panel.results.coloured.isChecked()
    evaluate(user, panel)
    assert [value_of(panel, one) for one in counts] == ["1", "2", "1", "2"]
    # The cell that was drawn lies where nothing is annotated.
    region = Region(points=((95.0, 65.0), (115.0, 85.0)))
    window.services.training.add_unannotated(image, region)
    assert "changed since" in panel.note.text()
    evaluate(user, panel)
    assert [value_of(panel, one) for one in counts] == ["0", "2", "0", "2"]
    assert {one.error.found for one in panel.results.wrong} == {(2,), (3,)}
    session.undo()
    assert "changed since" in panel.note.text()
    # Only near the cells is there background: there are no extra ones.
    only_partly = NO_MARKS.model_copy(update={"partly": True})
    window.services.training.set_marks(image, only_partly, "Partly")
    evaluate(user, panel)
    assert [value_of(panel, one) for one in counts] == ["1", "0", "1", "0"]


@pytest.mark.slow
def test_scores_of_an_image_that_was_removed_are_those_of_another_time(
    user, panel, cells
):
    window, session = user.window, user.window.session
    image = session.shown
    other = cells("b.tif")
    shutil.copy(
        image.source.path.with_name("a_masks.tif"), other.with_name("b_masks.tif")
    )
    *_, second = user.open(other)
    session.show(image.source.key)
    evaluate(user, panel)
    assert panel.note.text().endswith("1 image")
    # The scores are of the image shown only, which is still there.
    window.image_actions.remove([second])
    assert panel.note.text().endswith("1 image")
    window.image_actions.put_back()
    panel.form.scope.setCurrentIndex(1)
    evaluate(user, panel)
    # It goes while its masks are compared, and while the scores are shown.
    panel.form.evaluate.click()
    window.image_actions.remove([second])
    user.wait_idle()
    assert "added or removed since" in panel.note.text()
    evaluate(user, panel)
    assert panel.note.text().endswith("1 image")
    panel.results.coloured.setChecked(True)
    user.wait_for(lambda: "Comparison" in window.canvas.model.layers)
    window.image_actions.put_back()
    assert "added or removed since" in panel.note.text()
    assert not panel.results.coloured.isChecked()


@pytest.mark.slow
def test_scores_of_a_project_that_was_left_are_not_shown_in_the_next_one(user, panel):
    window = user.window
    going, told = threading.Event(), panel.note.text()
    # Evaluations wait for what is in their queue before.
    window.services.run(
        "Waiting",
        lambda _: going.wait(LONG),
        lambda _: None,
        queue=window.services.measure_jobs,
    )
    panel.form.evaluate.click()
    window.projects.new()
    user.wait_for(lambda: not window.session.images)
    going.set()
    user.wait_idle()
    assert panel._job is None
    assert not panel.results.results
    assert panel.results.summary.model().rowCount() == 0
    assert panel.note.text() == told
    assert not panel.form.export.isEnabled()


@pytest.mark.slow
def test_two_revisions_side_by_side(user, panel, tmp_path):
    form = panel.form
    at = next(
        n for n in range(form.second.count()) if form.second.itemText(n) == "masks"
    )
    form.second.setCurrentIndex(at)
    evaluate(user, panel)
    assert value_of(panel, "AP at 0.5") == "0.500"
    assert value_of(panel, "AP at 0.5", 2) == "1.000"
    assert value_of(panel, "AP at 0.5", 3) == "0.500"
    assert len(panel.results.plot.listDataItems()) == 2
    panel.ask = lambda _: str(tmp_path / "both.json")
    form.export.click()
    user.wait_for((tmp_path / "both_B.json").exists)
    user.wait_idle()
    document = json.loads((tmp_path / "both_B.json").read_text())
    assert document["compared"] == "masks against masks"
    form.border.setChecked(True)
    form.scope.setCurrentIndex(1)
    evaluate(user, panel)
    assert panel.note.text().endswith("1 image")
    # Without B, the wrong cells of A are listed, though those of B were chosen.
    panel.results.which.setCurrentIndex(1)
    panel.results.which.activated.emit(1)
    assert not panel.results.wrong
    form.second.setCurrentIndex(0)
    evaluate(user, panel)
    assert {one.error.kind for one in panel.results.wrong} == {"missed", "extra"}


@pytest.mark.slow
def test_classes_and_ignored_masks_of_a_project(user, panel, tmp_path, capsys):
    window = user.window
    session, image = window.session, window.session.shown
    one = add_class(session, "round")
    put_into_class(session, image, [1, 4], one.id)
    evaluate(user, panel)
    model = panel.results.classes.model()
    rows = [
        [model.index(row, column).data() for column in (0, 3, 6)]
        for row in range(model.rowCount())
    ]
    # Of the class, the cell that was drawn by hand was not found.
    assert rows == [["round", "2", "0.500"], ["no class", "1", "1.000"]]
    # Nobody has classed the cells of the earlier masks.
    assert [model.index(0, at).data() for at in (2, 4, 5)] == ["–"] * 3
    # Where the masks to ignore have cells, none count: here everywhere there is one.
    at = panel.form.ignore.findText("masks")
    panel.form.ignore.setCurrentIndex(at)
    evaluate(user, panel)
    assert value_of(panel, "True cells") == "0"
    assert value_of(panel, "Found cells") == "1"
    project = tmp_path / "p.cpstudio"
    session.project.save_as(project)
    options = ["--per-class", "--against", "masks", "--found", "masks@run"]
    assert run(["evaluate", str(project), *options]) == 0
    assert capsys.readouterr().out.splitlines()[-2].split() == [
        *("round", "nan", "0.500", "2", "-")
    ]
    assert run(["evaluate", str(project), "--ignore", "masks"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[-2:] == ["0", "1"]
    assert run(["evaluate", str(project), "--found", "masks@cyto3"]) == 2
    assert "a.tif has no masks “masks by cyto3”." in capsys.readouterr().err


@pytest.mark.slow
def test_classes_on_both_sides_tell_what_is_in_the_wrong_one(user, panel):
    session, image = user.window.session, user.window.session.shown
    true = image.active
    results = panel.results
    results.setCurrentIndex(4)
    assert not results.no_classes.isVisible()
    evaluate(user, panel)
    assert results.no_classes.isVisible()
    assert not results.classes.isVisible()
    # The first class after an evaluation without any makes it one of the past.
    round_, long = (add_class(session, name) for name in ("round", "long"))
    assert "Evaluate again" in panel.note.text()
    put_into_class(session, image, [1, 2], round_.id)
    put_into_class(session, image, [4], long.id)
    labels = image.masks.array.copy()
    other = replace(image.masks, name="found", pixels=LabelImage(labels), revision=None)
    session.add_masks(image, other, "Import found", "import")
    user.wait_for(lambda: panel.form.found.findText("found") >= 0)
    session.choose_label_set(image, "found")
    put_into_class(session, image, [1], round_.id)
    put_into_class(session, image, [2, 4], long.id)
    form = panel.form
    form.found.setCurrentIndex(form.found.findText("found"))
    form.true.setCurrentIndex(form.true.findText(true))
    evaluate(user, panel)
    assert "Evaluate again" not in panel.note.text()
    assert results.classes.isVisible()
    assert not results.no_classes.isVisible()
    model = results.classes.model()
    rows = [
        [model.index(row, column).data() for column in (0, 3, 4, 5, 2)]
        for row in range(model.rowCount())
    ]
    # Of three cells, one round one was found as long.
    assert rows == [["long", "1", "2", "1", "0.500"], ["round", "2", "1", "1", "0.500"]]
    put_into_class(session, image, [2], round_.id)
    assert "classes have changed" in panel.note.text()


@pytest.mark.slow
def test_masks_of_another_size_are_a_sentence(user, panel):
    session, image = user.window.session, user.window.session.shown
    small = image.masks.array[:50, :50].copy()
    other = replace(image.masks, name="small", pixels=LabelImage(small), revision=None)
    session.add_masks(image, other, "Import small", "import")
    user.wait_for(lambda: panel.form.found.findText("small") >= 0)
    panel.form.found.setCurrentIndex(panel.form.found.findText("small"))
    evaluate(user, panel)
    assert "The masks of a.tif have the sizes (50, 50) and (96, 128)" in user.message
    assert not panel.results.results[0].images
