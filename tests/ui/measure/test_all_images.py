"""All images of a project: cells, summary, columns of the experiment, export."""

from __future__ import annotations

import csv
import threading
import time

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QLineEdit

from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.core.measure import measure
from cellpose_studio.core.measure.experiment.columns import (
    ExperimentColumns,
    columns_from,
)
from cellpose_studio.ui.measure.experiment.dialog import ExperimentDialog
from tests.waiting import LONG


@pytest.fixture
def content(user, cells):
    """The content of the tab, with two images of two and three cells of a file."""
    paths = []
    for name, sides in (("control_B2.tif", (5, 6, 7)), ("drug_A1.tif", (10, 20))):
        path = cells(name)
        masks = np.zeros((96, 128), np.uint16)
        for n, side in enumerate(sides):
            masks[10 : 10 + side, 30 * n : 30 * n + side] = n + 1
        tifffile.imwrite(path.with_name(f"{path.stem}_masks.tif"), masks)
        paths.append(path)
    user.open(*paths)
    user.window.tabs.setCurrentWidget(user.window.measure)
    return user.window.measure.content


def choose(box, data: str) -> None:
    box.setCurrentIndex(box.findData(data))
    box.activated.emit(box.currentIndex())


def column(content, name: str) -> list[str]:
    model = content.table.model
    at = [one.name for one in model.fields].index(name)
    return [model.index(row, at).data() for row in range(model.rowCount())]


@pytest.mark.slow
def test_what_is_measured_of_a_project_that_was_left_is_none_of_the_next_one(
    user, content
):
    window, measured = user.window, content.all
    going, shown = threading.Event(), []
    window.services.run(
        "Waiting",
        lambda _: going.wait(LONG),
        lambda _: None,
        queue=window.services.measure_jobs,
    )
    choose(content.scope, "cells")
    jobs = window.services.measure_jobs
    user.wait_for(lambda: "Measuring all images" in [one.title for one in jobs.jobs])
    window.projects.new()
    user.wait_for(lambda: not window.session.images)
    measured.changed.connect(lambda: shown.append(len(measured.result.images)))
    going.set()
    user.wait_idle()
    assert shown
    assert not any(shown)
    assert not measured.known


@pytest.mark.slow
def test_cells_and_summary_of_all_images_by_condition(user, content, qtbot, tmp_path):
    window, session = user.window, user.window.session
    choose(content.scope, "cells")
    user.wait_for(lambda: len(content.rows) == 5)
    assert column(content, "cell") == ["1", "2", "3", "1", "2"]
    dialog = ExperimentDialog(session, window.background.experiment, window)
    qtbot.addWidget(dialog)
    dialog.pattern.setText("{condition}_{well}")
    assert dialog.fits.text() == "Fits the names of 2 of 2 images."
    assert dialog.model.index(0, 1).data() == "control"
    assert dialog.model.columns.names == ()
    dialog.take.click()
    dialog.accept()
    assert column(content, "condition") == ["control"] * 3 + ["drug"] * 2
    content.table.filter.setText("condition=drug")
    assert column(content, "well") == ["A1", "A1"]
    # A click on a row shows its image, and the cell there.
    assert session.shown.source.name == "control_B2.tif"
    view = content.table.view
    place = view.visualRect(content.table.model.index(1, 0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    user.wait_for(lambda: window.selection.cell == 2)
    assert session.shown.source.name == "drug_A1.tif"
    # An edit changes the rows of its image.
    labels, gone = session.shown.masks.array, np.zeros((30, 50), np.uint32)
    part = (slice(5, 35), slice(25, 75))
    session.edit(session.shown, edit_between("Erase", [2], labels, part, gone))
    user.wait_for(lambda: len(content.rows) == 4)
    content.table.filter.clear()
    choose(content.scope, "summary")
    assert column(content, "cells") == ["3", "1"]
    assert column(content, "condition") == ["control", "drug"]
    choose(content.plots.kind, "groups")
    choose(content.plots.group, "condition")
    # Colours stay from image to image, with one scale for all of them.
    choose(content.scope, "cells")
    choose(content.colour, "area_um2")
    seen = []

    def is_coloured():
        colours = window.canvas.masks.cell_colours
        return colours is not None and len(np.unique(colours.ranks)) > 1

    for image in (*session.images, *session.images):
        session.show(image.source.key)
        user.wait_for(is_coloured)
        colours = window.canvas.masks.cell_colours
        seen.append((colours.title, colours.ends))
        layer = window.canvas.model.layers["masks"]
        assert layer.cell_colours is colours
    assert len(set(seen)) == 1
    # Everything is in the files, with the columns of the experiment.
    content.tables.export(list(content.all.result.images), tmp_path / "t", ["csv"])
    user.wait_idle()
    assert user.message.startswith("Saved measurements.csv, measurements_images.csv")
    with (tmp_path / "t" / "measurements.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["image"], row["well"], row["cell"]) for row in rows] == [
        *(("control_B2.tif", "B2", cell) for cell in "123"),
        ("drug_A1.tif", "A1", "1"),
    ]


@pytest.mark.slow
def test_columns_of_the_experiment_are_pasted_typed_and_kept(
    user, content, qtbot, tmp_path
):
    window, experiment = user.window, user.window.background.experiment
    dialog = ExperimentDialog(window.session, experiment, window)
    qtbot.addWidget(dialog)
    assert not dialog.add_column("cell")
    assert "cell" in dialog.fits.text()
    QApplication.clipboard().setText("image\tday\ndrug_A1\t3\nother.tif\t4\n")
    dialog.paste()
    assert dialog.fits.text() == "Values for 1 image. 1 row named no image."
    assert not dialog.add_column("a b")
    assert dialog.add_column("replicate")
    assert dialog.fits.text() == ""
    QApplication.clipboard().setText("a\tc\nb\nbeyond\n")
    dialog.view.setCurrentIndex(dialog.model.index(0, 2))
    dialog.paste()
    assert dialog.fits.text().startswith("2 values had no place: ")
    dialog.model.setData(dialog.model.index(0, 1), " 2 ")
    dialog.accept()
    control, drug = (image.id for image in window.session.images)
    values = {control: {"day": "2", "replicate": "a"}, drug: {"day": "3"}}
    values[drug]["replicate"] = "b"
    expected = ExperimentColumns(names=("day", "replicate"), values=values)
    assert experiment.columns == expected
    window.projects.save_as(tmp_path / "p.cpstudio")
    user.wait_idle()
    window.projects.new()
    user.wait_idle()
    assert experiment.columns == ExperimentColumns()
    user.open(tmp_path / "p.cpstudio")
    assert experiment.columns == expected
    # Names are those of columns, whatever their case.
    for name in ("Day", "a}_{b"):
        assert not dialog.add_column(name)
    # What is pasted goes to columns that are there, not to those of a preview.
    dialog.pattern.setText("{condition}_{well}")
    QApplication.clipboard().setText("x\ty\tz\n")
    dialog.view.setCurrentIndex(dialog.model.index(0, 2))
    dialog.paste()
    assert dialog.model.columns.of(control) == {"day": "2", "replicate": "x"}
    # What was there before each change can be brought back, after reopening, too.
    again = ExperimentDialog(window.session, experiment, window)
    qtbot.addWidget(again)
    for change in ("typed", "pasted", "added", "table"):
        assert again.undo_button.isEnabled(), change
        qtbot.mouseClick(again.undo_button, Qt.MouseButton.LeftButton)
    assert again.model.columns == ExperimentColumns()
    assert not again.undo_button.isEnabled()
    again.accept()
    assert experiment.columns == ExperimentColumns()


@pytest.mark.slow
def test_a_block_pasted_into_one_value_fills_those_below(user, content, qtbot):
    window = user.window
    dialog = ExperimentDialog(window.session, window.background.experiment, window)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.add_column("day")
    dialog.add_column("well")
    place = dialog.model.index(0, 1)
    dialog.view.setCurrentIndex(place)
    dialog.view.edit(place)
    line = dialog.view.findChild(QLineEdit)
    qtbot.keyClicks(line, "typed")
    # A single value goes into the line, as everywhere.
    QApplication.clipboard().setText("7")
    qtbot.keyClick(line, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert line.text() == "typed7"
    QApplication.clipboard().setText("1\tA1\n2\tA2\n")
    qtbot.keyClick(line, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    shown = [[dialog.model.index(r, c).data() for c in (1, 2)] for r in (0, 1)]
    assert shown == [["1", "A1"], ["2", "A2"]]


@pytest.mark.slow
def test_columns_are_taken_back_from_the_message(user, content, qtbot, monkeypatch):
    window, experiment = user.window, user.window.background.experiment

    def change(dialog):
        dialog.add_column("day")
        dialog.accept()

    monkeypatch.setattr(ExperimentDialog, "exec", change)
    content.ask_experiment()
    assert experiment.columns.names == ("day",)
    assert "columns of the experiment were changed" in user.message
    assert window.services.messages.action.text() == "Undo"
    window.services.messages.action.click()
    assert experiment.columns.names == ()


@pytest.mark.slow
def test_a_name_that_differs_by_case_is_the_same_column(user, content, qtbot):
    window = user.window
    dialog = ExperimentDialog(window.session, window.background.experiment, window)
    qtbot.addWidget(dialog)
    dialog.add_column("well")
    dialog.pattern.setText("{condition}_{Well}")
    assert dialog.fits.text() == (
        "Fits the names of 2 of 2 images. Values of Well go into the column well."
    )
    assert [dialog.model.index(row, 1).data() for row in (0, 1)] == ["B2", "A1"]
    dialog.take.click()
    assert dialog.model.columns.names == ("well", "condition")
    QApplication.clipboard().setText("image\tWELL\ndrug_A1\tC3\n")
    dialog.paste()
    assert "Values of WELL go into the column well." in dialog.fits.text()
    assert dialog.model.columns.of(window.session.images[1].id)["well"] == "C3"


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"columns": 3, "images": []},
        {"columns": ["day", 4], "images": {"x": {"day": "1"}, "1": 3, "2": {"day": 5}}},
    ],
)
def test_damaged_columns_of_an_experiment_are_left_out(state):
    columns = columns_from(state)
    assert columns.of(2) == dict.fromkeys(columns.names, "")


@pytest.mark.slow
def test_colours_stay_when_all_images_are_listed(user, cells, qtbot):
    known = {"imagej": True, "resolution": (1, 1), "metadata": {"unit": "um"}}
    for n, (size, side) in enumerate(((known, 5), ({}, 20))):
        path = cells(f"{n}.tif")
        masks = np.zeros((96, 128), np.uint16)
        masks[:side, :side], masks[50:60, 50:60] = 1, 2
        tifffile.imwrite(path, masks, **size)
        tifffile.imwrite(path.with_name(f"{n}_masks.tif"), masks)
    user.open(path.with_name("0.tif"), path)
    window = user.window
    window.tabs.setCurrentWidget(window.measure)
    content = window.measure.content
    window.session.show(window.session.images[0].source.key)
    user.wait_for(lambda: "area_um2" in content.rows.by_name)
    choose(content.colour, "area_um2")
    choose(content.scope, "cells")
    user.wait_for(lambda: len(content.rows) == 4)
    colours = window.canvas.masks.cell_colours
    assert colours.title == "Area, µm²"
    assert content.colour.currentData() == "area_um2"
    # In px, all images share one scale; each of them is coloured by px then.
    choose(content.colour, "area_px")
    assert content.colour.currentData() == "area_px"
    seen = set()
    for image in window.session.images:
        window.session.show(image.source.key)
        user.wait_for(lambda: window.canvas.masks.cell_colours.ends != ("", ""))
        colours = window.canvas.masks.cell_colours
        seen.add((colours.title, colours.ends))
    assert seen == {("Area, px", colours.ends)}
    # In µm, an image that has none gets a scale of its own.
    choose(content.colour, "area_um2")
    assert window.canvas.masks.cell_colours.title == "Area, px"
    assert window.canvas.masks.cell_colours.ends != colours.ends


@pytest.mark.slow
def test_an_image_that_is_there_again_is_measured_again(user, content):
    source = user.window.session.images[1].source
    away = source.path.rename(source.path.with_name("away"))
    choose(content.scope, "cells")
    user.wait_for(lambda: len(content.rows) == 5)
    name = next(n for n in content.rows.by_name if n.startswith("mean_"))
    assert np.isnan(content.rows.values[name]).sum() == 2
    away.rename(source.path)
    choose(content.scope, "image")
    choose(content.scope, "cells")
    user.wait_for(lambda: np.isfinite(content.rows.values[name]).all())


@pytest.mark.slow
def test_masks_that_are_no_longer_shown_are_measured_no_further(
    user, content, monkeypatch
):
    def endless(*_, checkpoint, **__):
        begun.append(True)
        while True:
            checkpoint.check()
            time.sleep(0.01)

    begun = []
    session = user.window.session
    session.show(session.images[0].source.key)
    user.wait_for(lambda: len(content.rows) == 3)
    masks = session.shown.masks
    with monkeypatch.context() as patch:
        patch.setattr(measure, "measure_cells", endless)
        gone = edit_between(
            "Erase", [1], masks.array, np.s_[10:15, 0:5], np.zeros((5, 5), np.uint32)
        )
        session.edit(session.shown, gone)
        user.wait_for(lambda: bool(begun))
    session.show(session.images[1].source.key)
    user.wait_for(lambda: len(content.rows) == 2)


def test_images_of_one_name_are_told_apart_and_return_takes_a_pattern(
    user, cells, qtbot
):
    user.open(cells("A/x.tif"), cells("B/x.tif"))
    window = user.window
    dialog = ExperimentDialog(window.session, window.background.experiment, window)
    qtbot.addWidget(dialog)
    dialog.show()
    assert [dialog.model.index(row, 0).data() for row in (0, 1)] == [
        "A/x.tif",
        "B/x.tif",
    ]
    QApplication.clipboard().setText("image\tdrug\nx.tif\tno\nA/x.tif\tyes\n")
    dialog.paste()
    assert dialog.fits.text() == (
        "Values for 1 image. x.tif may be 2 images, so its row was not used: write "
        "A/x.tif or B/x.tif."
    )
    first, second = (image.id for image in window.session.images)
    assert dialog.model.columns.values == {first: {"drug": "yes"}}
    # A pattern that is not finished is not taken.
    for pattern in ("{kind", "zzz_{a}{"):
        dialog.pattern.setText(pattern)
        dialog.take_pattern()
        qtbot.keyClick(dialog.pattern, Qt.Key.Key_Return)
        assert (dialog.pattern.text(), dialog.isVisible()) == (pattern, True)
    dialog.pattern.setText("{kind}")
    qtbot.keyClick(dialog.pattern, Qt.Key.Key_Return)
    # The values can be seen before they are used.
    assert dialog.isVisible()
    assert dialog.model.columns.of(second)["kind"] == "x"


@pytest.mark.slow
def test_a_message_says_which_of_the_chosen_cells_commands_act_on(
    user, content, cells, qtbot
):
    choose(content.scope, "cells")
    user.wait_for(lambda: len(content.rows) == 5)
    user.window.session.show(user.window.session.images[0].source.key)
    content.plots.brushed.emit(np.arange(5))
    assert user.message.startswith("3 of the 5 chosen cells are in this image: ")
    content.table.filter.setText("image=drug_A1.tif")
    assert content.count.text() == "2 of 5 cells"
    # The column of images is none of those of one image.
    choose(content.scope, "image")
    assert content.table.filter.property("wrong")
    assert content.table.model.rowCount() == 3
    # The plot is drawn in a turn of the event loop of its own.
    user.wait_for(lambda: len(content.plots.plot._x) == 3)
    content.table.filter.clear()
    # The summary has a row for each time point.
    film, masks = cells("film.tif"), np.zeros((3, 96, 128), np.uint16)
    masks[:, 10:20, 10:20] = 1
    for path in (film, film.with_name("film_masks.tif")):
        tifffile.imwrite(path, masks, imagej=True, metadata={"axes": "TYX"})
    user.open(film)
    choose(content.scope, "summary")
    user.wait_for(lambda: len(content.rows) == 5)
    assert content.count.text() == "5 rows of 3 images"
