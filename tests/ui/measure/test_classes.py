"""Classes of cells in the window: by click and key, and by a classifier."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QInputDialog

from cellpose_studio.app.session.classes import add_class, put_into_class
from cellpose_studio.core.edits.whole import delete_cells
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.core.provenance.classes.assigned import Assigned
from cellpose_studio.core.provenance.classes.classifier_record import ClassExamples
from cellpose_studio.ui.display.cell_colouring import CLASS
from cellpose_studio.ui.measure.classes.class_dialog import ClassDialog
from cellpose_studio.ui.measure.classes.report import report, short_text

SIDE, STEP = 128, 16


def squares(odd: int = 9, even: int = 5) -> np.ndarray:
    """Return 48 squares in rows of 8; those with odd ids are larger."""
    masks = np.zeros((96, SIDE), np.uint16)
    for n in range(48):
        y, x = 3 + STEP * (n // 8), 3 + STEP * (n % 8)
        side = odd if n % 2 == 0 else even
        masks[y : y + side, x : x + side] = n + 1
    return masks


def middle(cell: int) -> tuple[float, float]:
    return 5.0 + STEP * ((cell - 1) // 8), 5.0 + STEP * ((cell - 1) % 8)


@pytest.fixture
def images(user, cells):
    """Return two open images with 48 cells each; the first is shown."""
    paths = []
    for name in ("a.tif", "b.tif"):
        path = cells(name)
        tifffile.imwrite(path.with_name(f"{path.stem}_masks.tif"), squares())
        paths.append(path)
    found = user.open(*paths)
    user.window.session.show(found[0].source.key)
    user.wait_for(lambda: found[0].masks is not None and found[0].masks.pixels.loaded)
    return found


@pytest.fixture
def classes(user, images):
    """Return the classes large and small, which have the keys 1 and 2."""
    session = user.window.session
    return [add_class(session, name) for name in ("large", "small")]


def press(user, key) -> None:
    user.qtbot.keyClick(user.window, key)


def numbers(image) -> dict[int, int]:
    known = image.classes.get(image.active, {})
    return {cell: one.number for cell, one in known.items()}


def colours(user, *cells: int) -> list[tuple[float, ...]]:
    """Return the colours of cells on the canvas."""
    masks = user.window.canvas.masks.cell_colours
    found = []
    for cell in cells:
        rank = masks.ranks[cell] if cell < len(masks.ranks) else -1
        found.append(tuple(np.round(masks.palette[rank - 1].astype(float), 2).tolist()))
    return found


@pytest.mark.slow
def test_cells_are_classed_by_click_drag_and_key(user, images, classes, mouse):
    window, session, [image, _] = user.window, user.window.session, images
    large, small = classes
    press(user, Qt.Key.Key_C)
    assert window.tools.mode == "classify"
    assert window.colouring.measure == CLASS
    mouse.click(middle(1))
    assert numbers(image) == {1: large.id}
    assert session.undo_text == "Classify 1 cell as large"
    press(user, Qt.Key.Key_2)
    mouse.drag([middle(4), middle(5), middle(6)])
    assert numbers(image) == {1: large.id, 4: small.id, 5: small.id, 6: small.id}
    grey = (0.5, 0.5, 0.5)
    assert colours(user, 1, 4, 2) == [(0.9, 0.62, 0.0), (0.34, 0.71, 0.91), grey]
    user.wait_for(window.legend.isVisible)
    assert window.legend.text == "Class: 1  large, 2  small"
    # The keys act on the chosen cells, or on the one under the mouse.
    window.selection.select(0, [9, 10])
    press(user, Qt.Key.Key_1)
    window.selection.select(0)
    mouse.move(middle(20), button=Qt.MouseButton.NoButton)
    press(user, Qt.Key.Key_2)
    assert {cell: numbers(image)[cell] for cell in (9, 10, 20)} == {
        9: large.id,
        10: large.id,
        20: small.id,
    }
    press(user, Qt.Key.Key_0)
    assert 20 not in numbers(image)
    for _ in range(5):
        press_undo(user)
    assert numbers(image) == {}
    for _ in range(5):
        session.redo()
    assert numbers(image).keys() == {1, 4, 5, 6, 9, 10}


def press_undo(user) -> None:
    user.qtbot.keyClick(user.window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    user.wait_idle()


@pytest.mark.slow
def test_a_class_stays_with_an_edited_cell_and_comes_back_with_a_deleted_one(
    user, images, classes
):
    session, [image, _] = user.window.session, images
    put_into_class(session, image, [1, 2, 3], classes[0].id)
    panel = user.window.measure.open_classes()
    user.wait_for(lambda: panel.table.item(0, 2).text() == "3")
    # What is typed into the filter is a number there, not a class.
    user.window.selection.select(7)
    line = user.window.measure.content.table.filter
    line.setFocus()
    user.qtbot.keyClick(line, Qt.Key.Key_2)
    assert line.text() == "2"
    assert numbers(image).keys() == {1, 2, 3}
    line.clear()
    user.window.canvas.surface.setFocus()
    labels = image.masks.array
    larger = np.full((2, 2), 1, np.uint32)
    session.edit(image, edit_between("Paint", [1], labels, np.s_[0:2, 0:2], larger))
    table = image.masks.pixels.cell_table()
    session.edit(image, delete_cells(labels, table, [2]))
    user.wait_for(lambda: panel.table.item(0, 2).text() == "2")
    press_undo(user)
    user.wait_for(lambda: panel.table.item(0, 2).text() == "3")
    assert numbers(image) == dict.fromkeys((1, 2, 3), classes[0].id)


@pytest.mark.slow
def test_the_list_of_classes_is_changed_and_each_change_undone(
    user, images, monkeypatch
):
    window, session = user.window, user.window.session
    panel = window.measure.open_classes()
    user.wait_for(panel.empty.isVisible)
    assert not panel.train.isEnabled()
    answers = iter([("round", True), ("Long", True), ("ROUND", True)])
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: next(answers))
    for _ in range(3):
        panel.add.click()
    assert "There is a class “ROUND” already." in user.message
    assert names(session) == ["round", "Long"]
    user.wait_for(lambda: panel.table.rowCount() == 2)

    def change(dialog) -> int:
        dialog.name.setText("oval")
        dialog.set_colour("#ff0000")
        dialog.key.setCurrentIndex(dialog.key.findData(1))
        return dialog.DialogCode.Accepted

    monkeypatch.setattr(ClassDialog, "exec", change)
    panel.table.selectRow(1)
    panel.edit.click()
    assert [(one.name, one.key) for one in present(session)] == [
        ("oval", 1),
        ("round", 2),
    ]
    put_into_class(session, images[0], [1], present(session)[0].id)
    assert colours(user, 1) == [(1.0, 0.0, 0.0)]
    panel.remove.click()
    assert names(session) == ["round"]
    assert colours(user, 1) == [(0.5, 0.5, 0.5)]
    for expected in (
        ["oval", "round"],
        ["oval", "round"],
        ["round", "Long"],
        ["round"],
        [],
    ):
        press_undo(user)
        assert names(session) == expected
    session.redo()
    session.redo()
    assert names(session) == ["round", "Long"]


def present(session):
    return session.masks.classes.present


def names(session) -> list[str]:
    return [one.name for one in present(session)]


@pytest.mark.slow
def test_a_classifier_classes_all_images_and_people_have_the_last_word(
    user, images, classes, tmp_path
):
    window, session = user.window, user.window.session
    large, small = classes
    first, second = images
    panel = window.measure.open_classes()
    put_into_class(session, first, [1, 3], large.id)
    put_into_class(session, first, [2], small.id)
    user.wait_for(panel.train.isEnabled)
    panel.train.click()
    assert "So far: large 2, small 1." in user.message
    assert not panel.here.isEnabled()
    put_into_class(session, first, [5, 7, 9], large.id)
    put_into_class(session, first, [4, 6, 8, 10], small.id)
    panel.train.click()
    user.wait_for(panel.here.isEnabled)
    record = panel.training.record
    assert (record.examples, record.folds) == (10, 5)
    assert panel.accuracy.text().startswith(f"Accuracy {record.accuracy:.0%}")
    assert "by hand \\ found as" in report(record)
    found = ClassExamples(id=large.id, name="large", found_as=(3, 3))
    other = ClassExamples(id=small.id, name="small", found_as=(3, 3))
    guesses = record.model_copy(update={"classes": (found, other)})
    assert "may be chance: always saying the most frequent" in short_text(guesses)
    panel.here.click()
    user.wait_for(lambda: "38 cells of 1 image classed" in user.message)
    assert len(numbers(first)) == 48
    assert not numbers(second)
    # A person may see more than the measurements tell.
    put_into_class(session, first, [11], small.id)
    user.wait_for(panel.everywhere.isEnabled)
    panel.everywhere.click()
    user.wait_for(lambda: "85 cells of 2 images classed" in user.message)
    for image in images:
        known = numbers(image)
        assert len(known) == 48
        wrong = {c for c, one in known.items() if one != (large if c % 2 else small).id}
        assert wrong == ({11} if image is first else set())
    [by_hand] = first.classes.values()
    assert by_hand[11] == Assigned(number=small.id)
    assert by_hand[13].probability > 0.5
    user.wait_for(lambda: panel.table.item(0, 3).text() == "47")
    # Each image has a step of its own.
    press_undo(user)
    assert session.undo_text == "Classify 38 cells by the classifier"
    press_undo(user)
    assert len(numbers(first)) == 10
    assert len(numbers(second)) == 48
    session.redo()
    session.redo()
    check_export(user, images, tmp_path, record)


@pytest.mark.slow
def test_a_classifier_is_applied_after_the_project_was_opened_again(
    user, images, classes, tmp_path
):
    session = user.window.session
    panel = user.window.measure.open_classes()
    put_into_class(session, images[0], [1, 3, 5], classes[0].id)
    put_into_class(session, images[0], [2, 4, 6], classes[1].id)
    panel.training.train()
    user.wait_for(lambda: not panel.training.busy)
    path = tmp_path / "a.cpstudio"
    session.project.save_as(path)
    user.window.projects.new()
    user.wait_idle()
    assert panel.training.record is None
    user.window.projects.open(path)
    user.wait_for(lambda: session.shown is not None and bool(session.shown.classes))
    user.wait_for(panel.everywhere.isEnabled)
    panel.everywhere.click()
    user.wait_for(lambda: "90 cells of 2 images classed" in user.message)
    # The same clicks give the same classifier, which needs no other record.
    assert len(session.masks.classes.classifiers) == 1
    for image in session.images:
        odd = {c for c, one in numbers(image).items() if one == classes[0].id}
        assert odd == {*range(1, 49, 2)}


@pytest.mark.slow
def test_images_that_cannot_be_classed_are_named_with_what_was(
    user, images, classes, cells
):
    window, session = user.window, user.window.session
    path = cells("c.tif", (2, 96, SIDE), "CYX")
    tifffile.imwrite(path.with_name("c_masks.tif"), squares())
    *_, third = user.open(path)
    put_into_class(session, third, [1, 3, 5], classes[0].id)
    put_into_class(session, third, [2, 4, 6], classes[1].id)
    panel = window.measure.open_classes()
    user.wait_for(panel.train.isEnabled)
    panel.train.click()
    user.wait_for(panel.everywhere.isEnabled)
    panel.everywhere.click()
    user.wait_for(lambda: "42 cells of 1 image classed." in user.message)
    assert "The cells of a.tif were not classed: " in user.message
    assert "The details have 1 more message." in user.message
    assert not numbers(images[0])
    # Cells of a project without classes would all be grey.
    window.colouring.choose(CLASS, "Class")
    window.projects.new()
    user.wait_idle()
    assert window.colouring.measure is None
    user.open(path)
    user.wait_for(lambda: session.shown.masks.pixels.loaded)
    assert window.canvas.masks.cell_colours is None


def check_export(user, images, tmp_path, record) -> None:
    """Compare what pandas and QuPath's readers find with the classes."""
    window = user.window
    content = window.measure.content
    content.scope.setCurrentIndex(content.scope.findData("cells"))
    content.scope.activated.emit(content.scope.currentIndex())
    user.wait_for(lambda: len(content.rows) == 96 and not content.all.busy)
    measured = content.all.result.images
    content.tables.export(measured, tmp_path / "out", ["csv", "parquet"])
    user.wait_idle()
    for read, name in ((pd.read_csv, "csv"), (pd.read_parquet, "parquet")):
        table = read(tmp_path / "out" / f"measurements.{name}")
        counts = table.groupby(["image", "class"]).size()
        assert counts["a.tif", "large"] == 23
        assert counts["b.tif", "small"] == 24
        assert table["class_by"].value_counts().to_dict() == {
            "classifier": 85,
            "hand": 11,
        }
        assert table["class_probability"].notna().sum() == 85
    summary = pd.read_csv(tmp_path / "out" / "measurements_images.csv")
    assert summary["cells_large"].tolist() == [23, 24]
    dictionary = pd.read_csv(tmp_path / "out" / "measurements_columns.csv")
    text = dictionary.set_index("column")["definition"]["class"]
    assert record.accuracy_text in text
    assert "scikit-learn" in text
    window.saver.save([images[0]], ["geojson"], tmp_path)
    user.wait_idle()
    [file] = tmp_path.glob("*.geojson")
    features = json.loads(file.read_text("utf-8"))["features"]
    known = {one["properties"]["name"]: one["properties"] for one in features}
    assert known["11"]["classification"] == {"name": "small", "color": [86, 180, 233]}
