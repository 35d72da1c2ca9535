"""The table of tracks in the Measure tab."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QStyleOptionViewItem, QTabBar

from cellpose_studio.core.provenance.revision import CellChanges
from cellpose_studio.io.project.tables.images import read_image_table
from cellpose_studio.ui.images.sizes_dialog import SizesDialog

LEFT, NOTHING = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def film(folder, name="film"):
    labels = np.zeros((4, 48, 64), np.uint16)
    labels[:2, 4:12, 4:12] = 1
    labels[2:, 4:12, 4:8] = 2
    labels[2:, 4:12, 12:16] = 5
    path = folder / f"{name}.tif"
    about = {"axes": "TYX"}
    tifffile.imwrite(path, (labels > 0).astype(np.uint8), imagej=True, metadata=about)
    tifffile.imwrite(folder / f"{name}_masks.tif", labels, imagej=True, metadata=about)
    return path


def column(content, name):
    return content.rows.values[name].tolist()


def choose(box, data):
    box.setCurrentIndex(box.findData(data))
    box.activated.emit(box.currentIndex())


@pytest.mark.slow
def test_tracks_are_listed_linked_with_the_canvas_and_exported(user, qtbot, tmp_path):
    [image] = user.open(film(tmp_path))
    window = user.window
    window.tabs.setCurrentWidget(window.measure)
    content = window.measure.content
    choose(content.scope, "tracks")
    user.wait_for(lambda: content.count.text() == "3 tracks")
    assert column(content, "first_time") == [1, 3, 3]
    assert column(content, "daughters") == ["", "", ""]
    changes = CellChanges(mothers={2: (None, 1), 5: (None, 1)})
    window.session.change_cells(image, "Set division", changes)
    user.wait_for(lambda: column(content, "daughters") == ["2, 5", "", ""])
    view, model = content.table.view, content.table.model
    content.table.filter.setText("mother=1")
    user.wait_for(lambda: content.count.text() == "2 of 3 tracks")
    place = view.visualRect(model.index(1, 1)).center()
    qtbot.mouseClick(view.viewport(), LEFT, NOTHING, place)
    assert (window.selection.cell, window.canvas.planes["T"]) == (5, 2)
    content.table.filter.setText("")
    window.selection.select(1)
    assert view.currentIndex().row() == 0
    measured = content.tables._measured()
    content.tables.export_tracks(measured, tmp_path / "out", ["csv", "parquet"])
    user.wait_idle()
    with (tmp_path / "out" / "tracks.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["track"], row["mother"], row["daughters"]) for row in rows] == [
        ("1", "", "2, 5"),
        ("2", "1", ""),
        ("5", "1", ""),
    ]
    with (tmp_path / "out" / "tracks_columns.csv").open(encoding="utf-8") as file:
        described = [row["column"] for row in csv.DictReader(file)]
    assert described == [*rows[0]]
    assert (tmp_path / "out" / "tracks.parquet").exists()


@pytest.mark.slow
def test_an_image_without_time_has_no_tracks(user, cells):
    path = cells("a_name_longer_than_its_title.tif")
    masks = np.zeros((96, 128), np.uint16)
    masks[10:20, 10:20] = 1
    tifffile.imwrite(path.with_name(f"{path.stem}_masks.tif"), masks)
    user.open(path)
    user.window.tabs.setCurrentWidget(user.window.measure)
    content = user.window.measure.content
    # A line beside the tabs would be drawn in white.
    bars = user.window.measure.findChildren(QTabBar)
    assert bars
    assert not any(bar.drawBase() for bar in bars)
    for scope in ("tracks", "all tracks"):
        choose(content.scope, scope)
        user.wait_idle()
        user.wait_for(lambda: "Tracks need a time series" in content.empty.text())
    # The table without rows has not made the names of images narrow for good.
    choose(content.scope, "cells")
    user.wait_for(lambda: len(content.rows) == 1)
    view = content.table.view
    assert content.table.model.fields[0].heading == "Image"
    long = 24 * view.fontMetrics().averageCharWidth()
    assert view.columnWidth(0) >= min(view.sizeHintForColumn(0), long)


def test_films_whose_names_begin_alike_can_be_told_apart(user, tmp_path):
    names = [f"experiment of the last day, position {n}, control" for n in (1, 2)]
    user.open(*(film(tmp_path, name) for name in names))
    user.window.tabs.setCurrentWidget(user.window.measure)
    content = user.window.measure.content
    choose(content.scope, "all tracks")
    user.wait_for(lambda: content.count.text() == "6 tracks")
    view, model = content.table.view, content.table.model
    assert model.fields[0].heading == "Image"
    option = QStyleOptionViewItem()
    option.textElideMode = view.textElideMode()
    view.itemDelegate().initStyleOption(option, model.index(0, 0))
    shown = {
        option.fontMetrics.elidedText(
            name, option.textElideMode, view.columnWidth(0) - 8
        )
        for name in model.long_texts(0, 200)
    }
    assert len(shown) == 2
    # A number is never shortened: its first digits would be read as another one.
    option.textElideMode = view.textElideMode()
    view.itemDelegate().initStyleOption(option, model.index(0, 1))
    assert option.textElideMode == Qt.TextElideMode.ElideNone


@pytest.mark.slow
def test_tracks_of_all_images_have_speeds_once_sizes_and_times_are_set(
    user, qtbot, tmp_path
):
    images = user.open(film(tmp_path, "control_1"), film(tmp_path, "drug_1"))
    window, session = user.window, user.window.session
    window.tabs.setCurrentWidget(window.measure)
    content = window.measure.content
    choose(content.scope, "all tracks")
    user.wait_for(lambda: content.count.text() == "6 tracks")
    shown = [one.heading for one in content.table.model.fields]
    assert shown[:4] == ["Image", "Track", "First", "Last"]
    assert shown[-1] == "Speed, px/time point"
    # Nothing says how large pixels are, and how fast time goes.
    dialog = SizesDialog([one.source for one in images], window)
    qtbot.addWidget(dialog)
    dialog.pixel.setValue(0.5)
    dialog.time.setValue(10)
    window.image_actions.set_sizes(images, dialog.wanted())
    user.wait_for(lambda: "speed_um_per_h" in content.rows.by_name)
    assert session.images[1].source.interval_s == 600
    assert [one.heading for one in content.table.model.fields][-1] == "Speed, µm/h"
    changes = CellChanges(mothers={2: (None, 1)})
    session.change_cells(images[1], "Set division", changes)
    user.wait_for(lambda: column(content, "daughters") == ["", "", "", "2", "", ""])
    # A click goes to the other image.
    view, model = content.table.view, content.table.model
    qtbot.mouseClick(
        view.viewport(), LEFT, NOTHING, view.visualRect(model.index(4, 1)).center()
    )
    user.wait_for(lambda: window.selection.cell == 2)
    assert (session.shown, window.canvas.planes["T"]) == (images[1], 2)
    content.tables.export_tracks(
        content._measured_images(), tmp_path / "out", ["csv", "parquet"]
    )
    user.wait_idle()
    with (tmp_path / "out" / "tracks.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == ["control_1.tif"] * 3 + ["drug_1.tif"] * 3
    assert float(rows[0]["mean_area_um2"]) == 16
    assert float(rows[0]["speed_um_per_h"]) == 0
    # The message takes a change back.
    slower = [replace(one.source, interval_s=900.0) for one in images]
    window.image_actions.set_sizes(images, slower)
    assert session.images[0].source.interval_s == 900
    window.services.messages.action.click()
    assert [one.source.interval_s for one in session.images] == [600, 600]
    user.wait_idle()


@pytest.mark.slow
def test_a_file_that_is_added_again_keeps_the_sizes_of_the_user(user, tmp_path):
    path = film(tmp_path)
    [image] = user.open(path)
    source = replace(image.source, pixel_size_um=(None, 0.5, 0.5), interval_s=60.0)
    user.window.image_actions.set_sizes([image], [source])
    [again] = user.open(path)
    assert again is image
    assert again.source.pixel_size_um == (None, 0.5, 0.5)
    assert again.source.interval_s == 60
    [stored] = user.window.session.project.read(
        lambda db: read_image_table(db, tmp_path)
    )
    assert stored.image.interval_s == 60


@pytest.mark.slow
def test_the_table_has_the_room_while_plots_and_classes_are_folded(user, tmp_path):
    user.open(film(tmp_path))
    window = user.window
    window.tabs.setCurrentWidget(window.measure)
    content = window.measure.content
    lower = content.lower
    lower.set_folded(False)
    user.wait_for(lambda: content.plots.isVisible() and content.plots.height() > 100)
    before = content.table.view.height()
    lower.fold.click()
    user.wait_for(lambda: content.table.view.height() > before + 100)
    assert window.services.settings.measure_folded is True
    window.measure.open_classes()
    user.wait_for(lambda: content.classes.isVisible() and content.classes.height() > 99)
