"""Nuclei and cells together in the Measure tab of the window."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pandas as pd
import pytest
import tifffile
from qtpy.QtCore import Qt

from cellpose_studio.app.session.label_sets import rename_masks
from cellpose_studio.cli.main import run
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.core.measure.compartments.choice import (
    COMPARTMENTS_STATE,
    choice_from,
)
from cellpose_studio.io.project.file import read_project
from cellpose_studio.io.project.tables.window_state import read_state

LEFT, NOTHING = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def two_sets(path) -> None:
    """Write cells 1, 2 (no nucleus), 3 (two), and nuclei, of which one has no cell."""
    cells, nuclei = np.zeros((2, 96, 128), np.uint16)
    cells[10:30, 10:30], cells[10:30, 40:60], cells[50:80, 10:50] = 1, 2, 3
    nuclei[15:21, 15:21], nuclei[60:66, 15:25], nuclei[60:66, 35:40] = 3, 7, 8
    nuclei[70:76, 100:106] = 9
    tifffile.imwrite(path.with_name(f"{path.stem}_masks.tif"), cells)
    tifffile.imwrite(path.with_name(f"{path.stem}_cp_masks.tif"), nuclei)


@pytest.fixture
def content(user, cells):
    path = cells("a.tif")
    two_sets(path)
    user.open(path)
    window = user.window
    image = window.session.shown
    assert [*image.label_sets] == ["masks", "cp_masks"]
    window.session.choose_label_set(image, "masks")
    window.tabs.setCurrentWidget(window.measure)
    content = window.measure.content
    user.wait_for(lambda: len(content.rows) == 3)
    return content


def choose(box, data: str) -> None:
    box.setCurrentIndex(box.findData(data))
    box.activated.emit(box.currentIndex())


def measure_nuclei(content, user) -> None:
    choose(content.compartments.nuclei, "cp_masks")
    user.wait_for(lambda: "nuclei" in content.rows.by_name)


def lines(content) -> list[str]:
    model = content.compartments.findings
    return [model.index(row).data() for row in range(model.rowCount())]


@pytest.mark.slow
def test_compartments_are_measured_listed_and_follow_edits(user, content, qtbot):
    box, session, window = content.compartments, user.window.session, user.window
    assert not box.second.isVisible()
    measure_nuclei(content, user)
    headings = [one.heading for one in content.table.model.fields]
    assert "Nuclei" in headings
    assert "Nucleus: Area, µm²" in headings
    assert content.rows.values["nuclei"].tolist() == [1, 0, 2]
    assert box.text.text() == (
        "4 nuclei, 3 cells: 1 nucleus in no cell, 1 cell without a nucleus and 1 cell "
        "with several nuclei."
    )
    assert lines(content) == [
        "Nucleus 9: in no cell",
        "Cell 2: no nucleus",
        "Cell 3: 2 nuclei (7, 8)",
    ]
    user.wait_for(lambda: window.canvas.lines().get("nuclei", False))
    box.list_button.click()
    assert box.list.isVisible()
    place = box.list.visualRect(box.findings.index(2)).center()
    qtbot.mouseClick(box.list.viewport(), LEFT, NOTHING, place)
    assert window.selection.cell == 3
    assert window.canvas.lines()["chosen"]
    for _ in range(2):
        qtbot.keyClick(box.list, Qt.Key.Key_Up)
    assert window.selection.cell == 0
    assert window.canvas.lines()["nucleus"]
    centre = window.canvas.model.camera.center[-2:]
    scale = session.shown.source.label_scale[-2:]
    np.testing.assert_allclose(np.array(centre) / scale, (72.5, 102.5), atol=1)
    # A nucleus goes, while the cells are shown; and a cell.
    image = session.shown
    nuclei = image.label_sets["cp_masks"].array
    gone = edit_between(
        "Erase",
        [8],
        nuclei,
        (slice(0, 96), slice(0, 128)),
        np.where(nuclei == 8, 0, nuclei),
    )
    session.choose_label_set(image, "cp_masks")
    assert "nuclei are shown themselves" in box.text.text()
    user.wait_for(lambda: "nuclei" not in content.rows.by_name)
    session.edit(image, gone)
    session.choose_label_set(image, "masks")
    user.wait_for(lambda: lines(content)[1:] == ["Cell 2: no nucleus"])
    session.undo()
    session.choose_label_set(image, "masks")
    user.wait_for(lambda: len(lines(content)) == 3)
    choose(box.nuclei, "")
    user.wait_for(lambda: "nuclei" not in content.rows.by_name)
    assert not box.second.isVisible()
    user.wait_for(lambda: not window.canvas.lines()["nuclei"])


@pytest.mark.slow
def test_nuclei_get_the_ids_of_their_cells(user, content):
    box, session = content.compartments, user.window.session
    image = session.shown
    session.choose_label_set(image, "cp_masks")
    session.set_cell_status(image, [3, 9], "accepted")
    session.choose_label_set(image, "masks")
    measure_nuclei(content, user)
    before = image.label_sets["cp_masks"].array.copy()
    changes, drawn = [], []
    session.masks_changed.connect(lambda change: changes.append(change.kind))
    [shown] = (one for one in user.window.canvas.model.layers if one.name == "masks")
    shown.events.set_data.connect(drawn.append)
    box.ids_button.click()
    user.wait_idle()
    assert image.active == "masks"
    # The masks of the cells, which are shown, are neither left nor drawn again.
    assert changes == ["replaced"]
    assert not drawn
    after = image.label_sets["cp_masks"].array
    pairs = {(int(a), int(b)) for a, b in zip(before.flat, after.flat, strict=True)}
    # 8 is the smaller one of its cell, and 9 in none: no cell has these ids.
    assert pairs == {(0, 0), (3, 1), (7, 3), (8, 8), (9, 9)}
    assert image.statuses["cp_masks"] == {1: "accepted", 9: "accepted"}
    assert "Gave 2 nuclei other ids" in user.message
    user.wait_for(lambda: content.rows.values["nucleus_ids"].tolist()[0] == "1")
    assert content.rows.values["nuclei"].tolist() == [1, 0, 2]
    box.ids_button.click()
    user.wait_idle()
    assert "have the ids of their cells already" in user.message
    session.undo()
    np.testing.assert_array_equal(image.label_sets["cp_masks"].array, before)
    assert image.statuses["cp_masks"] == {3: "accepted", 9: "accepted"}
    session.redo()
    np.testing.assert_array_equal(image.label_sets["cp_masks"].array, after)
    assert image.active == "masks"


@pytest.mark.slow
def test_the_choice_follows_masks_that_get_another_name(user, content):
    box, session = content.compartments, user.window.session
    image = session.shown
    measure_nuclei(content, user)
    rename_masks(session, image, "cp_masks", "nuclei")
    user.wait_idle()
    assert box.nuclei.currentText() == "nuclei"
    user.wait_for(lambda: content.rows.values.get("nuclei", np.zeros(0)).any())
    assert lines(content)[0] == "Nucleus 9: in no cell"
    # The table keeps its room: the list and the options are not shown together.
    box.list_button.click()
    box.options_button.click()
    assert box.options.isVisible()
    assert not box.list.isVisible()
    box.list_button.click()
    assert not box.options.isVisible()
    session.undo()
    assert box.nuclei.currentText() == "cp_masks"


@pytest.mark.slow
def test_the_choice_is_kept_and_exported_for_all_images(user, content, cells, tmp_path):
    box, window = content.compartments, user.window
    plain = cells("b.tif")
    tifffile.imwrite(plain.with_name("b_masks.tif"), np.eye(128, dtype="u2")[:96])
    other = cells("c.tif")
    two_sets(other)
    user.open(plain, other)
    window.session.show(next(i for i in window.session.images).source.key)
    measure_nuclei(content, user)
    box.options_button.click()
    assert box.options.isVisible()
    box.options.boxes["ring"].click()
    box.options.width_field.setValue(0.5)
    choose(box.options.unit, "um")
    user.wait_for(lambda: "ring_area_px" in content.rows.by_name)
    user.wait_idle()
    choose(content.scope, "cells")
    user.wait_for(lambda: len(content.rows) == 7)
    content.tables.export(content.all.result.images, tmp_path / "out", ["csv"])
    user.wait_idle()
    table = pd.read_csv(tmp_path / "out" / "measurements.csv")
    table = table.set_index(["image", "cell"])
    assert table["nuclei"]["a.tif"].tolist() == [1, 0, 2]
    assert table["nuclei"]["c.tif"].tolist() == [1, 0, 2]
    assert table["nuclei"]["b.tif"].isna().all()
    assert table["ring_area_px"]["a.tif"].tolist() == pytest.approx(
        [6 * 4 * 2 + 4, np.nan, (16 + 11) * 4 + 8], nan_ok=True
    )
    meaning = pd.read_csv(tmp_path / "out" / "measurements_columns.csv")
    meaning = meaning.set_index("column")["definition"]
    assert "up to 0.5 µm" in meaning["ring_area_px"]
    images = pd.read_csv(tmp_path / "out" / "measurements_images.csv")
    assert images["orphan_nuclei"].tolist() == pytest.approx(
        [1, np.nan, 1], nan_ok=True
    )
    choice = box.options.choice("masks", "cp_masks")
    assert choice.parts == ("nucleus", "cytoplasm", "ring")
    kept = tmp_path / "kept.cpstudio"
    window.session.project.save_as(kept)
    words = [str(kept), "--nuclei", "cp_masks", "--ring", "0.5um", "--out"]
    assert run(["measure", *words, str(tmp_path / "cli")]) == 1
    same = pd.read_csv(tmp_path / "cli" / "measurements.csv")
    same = same.set_index(["image", "cell"])
    for column in ("nuclei", "ring_area_px", "nucleus_ids"):
        pd.testing.assert_series_equal(
            same[column]["a.tif"], table[column]["a.tif"], check_dtype=False
        )
    with closing(read_project(kept)) as file:
        state = read_state(file.db, COMPARTMENTS_STATE)
    assert choice_from(state) == choice
