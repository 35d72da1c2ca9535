"""A training set made in the window: marked, drawn, dropped, exported, imported."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication

from cellpose_studio.ui.train.training_set.canvas_marks import LINES, UNANNOTATED
from cellpose_studio.ui.train.training_set.pair_model import detail_of
from cellpose_studio.workflows.training.project_set import pairs_of_project

SIDE, STEP = 10, 16


def squares(shape=(96, 128)):
    masks = np.zeros(shape, np.int32)
    number = 0
    for y in range(3, shape[0] - SIDE, STEP):
        for x in range(3, shape[1] - SIDE, STEP):
            number += 1
            masks[y : y + SIDE, x : x + SIDE] = number
    return masks


@pytest.fixture
def images(user, cells):
    """Return three open images with 48 cells each; the first is shown."""
    paths = [cells(f"{name}.tif") for name in "abc"]
    for n, path in enumerate(paths):
        # No two files are the same.
        pixels = tifffile.imread(path)
        pixels[0, 0] = n
        tifffile.imwrite(path, pixels)
        tifffile.imwrite(path.with_name(f"{path.stem}_masks.tif"), squares())
    found = user.open(*paths)
    user.window.session.show(found[0].source.key)
    user.wait_for(lambda: found[0].masks is not None and found[0].masks.pixels.loaded)
    return found


@pytest.fixture
def section(user, images):
    section = user.window.train.set
    user.window.menus.actions["showTraining"].trigger()
    user.wait_for(section.isVisible)
    return section


def rows(section):
    """Return what each row says."""
    return [
        (part.name, part.pair.role if part.pair else None, detail_of(part))
        for part in section.list.pairs.parts
    ]


def select(section, *which):
    view, flags = section.list, section.list.selectionModel().SelectionFlag
    view.selectionModel().clear()
    for row in which:
        view.selectionModel().select(view.pairs.index(row, 0), flags.Select)


def press(user, key, modifier=Qt.KeyboardModifier.NoModifier):
    user.qtbot.keyClick(user.window, key, modifier)


@pytest.mark.slow
def test_images_and_crops_are_marked_by_key_and_mouse(user, mouse, images, section):
    press(user, Qt.Key.Key_T, Qt.KeyboardModifier.ShiftModifier)
    user.wait_for(lambda: rows(section) == [("a.tif", "train", "48 cells")])
    assert section.summary.text() == "1 image for training (48 cells)."
    assert section.roles[0].toolTip().startswith("Train on the selected rows")
    press(user, Qt.Key.Key_G)
    assert user.window.tools.mode == "trainingCrop"
    mouse.drag([(1, 1), (20, 20), (50, 60)])
    user.wait_for(lambda: [row[0] for row in rows(section)] == ["a.tif, crop 1"])
    assert rows(section) == [("a.tif, crop 1", "train", "12 cells")]
    assert "Only the crops of a.tif are used now" in user.message
    line, *_ = LINES["train"]
    user.wait_for(lambda: user.window.canvas.lines().get(line, False))
    user.window.session.undo()
    user.wait_for(lambda: rows(section) == [("a.tif", "train", "48 cells")])
    user.wait_for(lambda: not user.window.canvas.lines()[line])
    # The picture has outlines of the cells.
    select(section, 0)
    user.wait_for(section.preview.isVisible)
    user.wait_for(lambda: section.preview.pixmap().width() > 100)


@pytest.mark.slow
def test_what_is_not_annotated_is_ignored_and_stored(user, mouse, images, section):
    press(user, Qt.Key.Key_T, Qt.KeyboardModifier.ShiftModifier)
    press(user, Qt.Key.Key_L)
    mouse.drag([(0, 0), (10, 20), (31, 127)])
    user.wait_for(lambda: bool(rows(section)) and "ignored" in rows(section)[0][2])
    assert rows(section) == [("a.tif", "train", "32 cells, 16 left out, 33% ignored")]
    user.wait_for(lambda: user.window.canvas.lines().get(UNANNOTATED, False))
    assert section.image.clear.text() == "Clear regions (1)"
    section.image.partly.setChecked(True)
    user.wait_for(lambda: "16 left out" in rows(section)[0][2])
    project = user.window.session.project
    project.writer.flush()
    [pair] = pairs_of_project(project.path)
    found = pair.read()
    assert found.ignore[:32].all()
    # Beyond three pixels of a cell nothing is known either.
    assert found.ignore[32:].any()
    assert not (found.ignore & (found.labels > 0)).any()
    section.image.clear.click()
    section.image.partly.setChecked(False)
    user.wait_for(lambda: rows(section) == [("a.tif", "train", "48 cells")])
    section.left_out.boxes["border"].setChecked(True)
    section.left_out.fewest.setValue(50)
    user.wait_for(lambda: rows(section)[0][1] is None)
    assert rows(section)[0][2] == "It has 48 cells; at least 50 are needed."


@pytest.mark.slow
def test_images_are_dropped_into_the_list(user, images, section):
    listed = user.window.images
    indexes = [listed.filtered.index(row, 0) for row in (0, 2)]
    data = listed.view.model().mimeData(indexes)
    how = (
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    onto = section.list.viewport()
    QApplication.sendEvent(onto, QDragEnterEvent(QPoint(5, 5), *how))
    QApplication.sendEvent(onto, QDropEvent(QPointF(5, 5), *how))
    user.wait_for(lambda: len(rows(section)) == 2)
    assert [row[:2] for row in rows(section)] == [
        ("a.tif", "train"),
        ("c.tif", "train"),
    ]


@pytest.mark.slow
def test_validation_is_proposed_and_crops_stay_on_one_side(
    user, mouse, images, section
):
    section.actions.use_images(images, "train")
    asked = []
    section.actions.confirm = lambda _, title, *__: (
        asked.append(title) or answers.pop(0)
    )
    answers = [False, True]
    user.window.menus.actions["proposeValidation"].trigger()
    assert user.window.services.training.images("validation") == []
    user.window.menus.actions["proposeValidation"].trigger()
    [proposed] = user.window.services.training.images("validation")
    assert proposed in images
    assert not user.window.menus.actions["proposeValidation"].isEnabled()
    section.actions.use_images(images, "train")
    user.window.tools.take("trainingCrop")
    for y in (1, 49):
        mouse.drag([(y, 1), (y + 20, 60), (y + 45, 120)])
    user.wait_for(lambda: len(rows(section)) == 4)
    select(section, 1)
    answers += [False, True]
    section.actions.use_parts("validation")
    assert asked[2:] == ["Crops of one image"]
    assert rows(section)[1][1] == "train"
    section.actions.use_parts("validation")
    user.wait_for(lambda: rows(section)[1][1] == "validation")
    section.actions.ask_name = lambda _, name: f"{name} below"
    section.actions.rename_crop()
    user.wait_for(lambda: rows(section)[1][0] == "a.tif, crop 2 below")
    select(section, 0)
    section.actions.ask_name = lambda *_: "crop 2 below"
    section.actions.rename_crop()
    assert "There is another crop called crop 2 below." in user.message
    select(section, 0, 1)
    section.actions.remove_crops()
    user.wait_for(
        lambda: [row[0] for row in rows(section)] == ["a.tif", "b.tif", "c.tif"]
    )


@pytest.mark.slow
def test_a_folder_is_exported_and_imported(user, images, section, tmp_path, qtbot):
    def click(name: str) -> None:
        qtbot.mouseClick(section.buttons[name], Qt.MouseButton.LeftButton)

    export = section.buttons["exportTraining"]
    assert not export.isEnabled()
    assert "No image is marked for training." in export.toolTip()
    section.actions.use_images(images[:2], "train")
    section.actions.use_images(images[2:], "validation")
    region = ((0.0, 0.0), (128.0, 32.0))
    user.window.tools.context.unannotated_drawn.emit(region, ())
    folder = tmp_path / "out"
    folder.mkdir()
    section.folders.ask = lambda *_: folder
    user.wait_for(export.isEnabled)
    click("exportTraining")
    user.wait_for(lambda: "Wrote 3 images to out" in user.message)
    manifest = json.loads((folder / "training_set.json").read_text())
    revisions = {i.masks.revision.id for i in images}
    assert {one["revision"] for one in manifest["images"]} == revisions
    section.actions.use_images(images, None)
    click("importTraining")
    user.wait_idle()
    user.wait_for(lambda: [row[1] for row in rows(section)].count("train") == 2)
    assert rows(section) == [
        ("0001_a.tif", "train", "32 cells, 33% ignored"),
        ("0002_b.tif", "train", "48 cells"),
        ("0003_c.tif", "validation", "48 cells"),
    ]
    (folder / "training_set.json").unlink()
    user.window.menus.actions["exportTraining"].setEnabled(True)
    user.window.menus.actions["exportTraining"].trigger()
    user.wait_for(lambda: "has files of its own" in user.message)


@pytest.mark.slow
def test_of_an_imported_folder_the_masks_that_are_trained_on_are_corrected(
    user, cells, section, tmp_path
):
    folder = tmp_path / "trained"
    folder.mkdir()
    cells("d.tif").rename(folder / "d.tif")
    masks = squares()
    tifffile.imwrite(folder / "d_masks.tif", masks)
    # Of a session of Cellpose's window, with a cell less, and flows of yet others.
    seg = np.where(masks == 1, 0, masks)
    np.save(folder / "d_seg.npy", {"masks": seg, "outlines": np.zeros_like(seg)})
    tifffile.imwrite(folder / "d_flows.tif", np.zeros((4, *masks.shape), np.float32))
    section.folders.ask = lambda *_: folder
    section.buttons["importTraining"].click()
    user.wait_idle()
    user.wait_for(lambda: rows(section) == [("d.tif", "train", "48 cells")])
    image = user.window.session.images[-1]
    assert sorted(image.label_sets) == ["masks", "seg"]
    user.window.session.show(image.source.key)
    user.wait_for(lambda: image.masks is not None and image.masks.pixels.loaded)
    assert user.window.services.training.role(image) == "train"
    assert image.masks.cells == 48
    user.window.selection.select(2)
    user.window.menus.actions["deleteCell"].trigger()
    user.wait_for(lambda: rows(section) == [("d.tif", "train", "47 cells")])


@pytest.mark.slow
def test_labels_of_minus_one_are_ignored(user, cells, section):
    path = cells("minus.tif")
    masks = squares()
    masks[64:] = -1
    tifffile.imwrite(path.with_name("minus_masks.tif"), masks)
    [*_, image] = user.open(path)
    assert image.source.path == path
    section.actions.use_images([image], "train")
    user.wait_for(lambda: bool(rows(section)))
    assert rows(section) == [("minus.tif", "train", "32 cells, 33% ignored")]
