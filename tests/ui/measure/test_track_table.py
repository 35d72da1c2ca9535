"""The table of tracks in the Measure tab."""

from __future__ import annotations

import csv

import numpy as np
import tifffile
from qtpy.QtCore import Qt

from cellpose_studio.core.provenance.revision import CellChanges

LEFT, NOTHING = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def film(folder):
    labels = np.zeros((4, 48, 64), np.uint16)
    labels[:2, 4:12, 4:12] = 1
    labels[2:, 4:12, 4:8] = 2
    labels[2:, 4:12, 12:16] = 5
    path = folder / "film.tif"
    about = {"axes": "TYX"}
    tifffile.imwrite(path, (labels > 0).astype(np.uint8), imagej=True, metadata=about)
    tifffile.imwrite(folder / "film_masks.tif", labels, imagej=True, metadata=about)
    return path


def column(content, name):
    return content.rows.values[name].tolist()


def choose(box, data):
    box.setCurrentIndex(box.findData(data))
    box.activated.emit(box.currentIndex())


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


def test_an_image_without_time_has_no_tracks(user, cells):
    path = cells("a.tif")
    masks = np.zeros((96, 128), np.uint16)
    masks[10:20, 10:20] = 1
    tifffile.imwrite(path.with_name("a_masks.tif"), masks)
    user.open(path)
    user.window.tabs.setCurrentWidget(user.window.measure)
    content = user.window.measure.content
    choose(content.scope, "tracks")
    user.wait_idle()
    user.wait_for(lambda: "Tracks need a time series" in content.empty.text())
