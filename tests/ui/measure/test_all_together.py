"""Films with nuclei, cells, divisions, classes and a classifier in one project."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
import tifffile

from cellpose_studio.app.session.classes import add_class, put_into_class
from cellpose_studio.core.provenance.revision import CellChanges
from cellpose_studio.io.project.rescue.rescue import rescue

TABLES = ("division", "cell_class", "classifier", "classified")


def film(folder, name, seed):
    """Write a film of nine cells with a nucleus each; 8 and 9 come when 3 is gone."""
    rng = np.random.default_rng(seed)
    labels, nuclei = np.zeros((2, 3, 120, 120), np.uint16)
    for n in range(9):
        y, x = 5 + 38 * (n // 3), 5 + 38 * (n % 3)
        side = 14 if n % 2 else 24
        for at in {2: (0, 1), 7: (2,), 8: (2,)}.get(n, (0, 1, 2)):
            labels[at, y + at : y + at + side, x : x + side] = n + 1
            nuclei[at, y + at + 4 : y + at + 9, x + 4 : x + 9] = n + 1
    pixels = (labels > 0) * 50 + rng.integers(0, 9, labels.shape)
    path = folder / f"{name}.tif"
    about = {"axes": "TYX", "unit": "um", "finterval": 300.0}
    image = pixels.astype(np.uint8)
    tifffile.imwrite(path, image, imagej=True, resolution=(2, 2), metadata=about)
    for masks, ending in ((labels, "_masks"), (nuclei, "_cp_masks")):
        beside = path.with_name(f"{name}{ending}.tif")
        tifffile.imwrite(beside, masks, imagej=True, metadata={"axes": "TYX"})
    return path


def choose(box, data):
    box.setCurrentIndex(box.findData(data))
    box.activated.emit(box.currentIndex())


def exported(user, content, folder):
    """Return the tables of cells and tracks of all images, and the dictionary."""
    choose(content.scope, "cells")
    user.wait_for(lambda: len(content.rows) > 0 and not content.all.busy)
    content.tables.export(content._measured_images(), folder, ["csv"])
    user.wait_idle()
    content.tables.export_tracks(content._measured_images(), folder, ["csv"])
    user.wait_idle()
    names = ("measurements", "tracks", "measurements_columns", "tracks_columns")
    return [pd.read_csv(folder / f"{name}.csv") for name in names]


@pytest.mark.slow
def test_all_is_in_one_table_and_survives_a_copy_and_a_rescue(user, tmp_path):
    images = user.open(film(tmp_path, "control_1", 1), film(tmp_path, "drug_2", 2))
    window, session = user.window, user.window.session
    for image in images:
        session.choose_label_set(image, "masks")
    window.tabs.setCurrentWidget(window.measure)
    content = window.measure.content
    user.wait_for(lambda: len(content.rows) > 0)
    choose(content.compartments.nuclei, "cp_masks")
    user.wait_for(lambda: "nuclei" in content.rows.by_name)
    # Divisions, classes by hand, and those of a classifier.
    session.change_cells(
        images[0], "Set division", CellChanges(mothers={8: (None, 3), 9: (None, 3)})
    )
    small, large = (add_class(session, name).id for name in ("small", "large"))
    put_into_class(session, images[0], [2, 4, 6], small)
    put_into_class(session, images[0], [1, 3, 5], large)
    content.classes.training.train()
    user.wait_idle()
    content.classes.apply_everywhere()
    user.wait_for(lambda: len(images[1].classes.get("masks", {})) == 9)
    user.wait_idle()
    before = exported(user, content, tmp_path / "first")
    cells, tracks, meaning, of_tracks = before
    assert [*meaning["column"]] == [
        *dict.fromkeys(
            [*cells, *pd.read_csv(tmp_path / "first/measurements_images.csv")]
        )
    ]
    assert [*of_tracks["column"]] == [*tracks]
    assert len(cells) == 2 * (6 * 3 + 2 + 2)
    assert (cells["nuclei"] == 1).all()
    assert (cells["nucleus_area_px"] == 25).all()
    by_hand = cells[cells["class_by"] == "hand"]
    assert set(by_hand["cell"]) == {1, 2, 3, 4, 5, 6}
    assert set(by_hand["image"]) == {"control_1.tif"}
    drug = tracks[tracks["image"] == "drug_2.tif"].set_index("track")
    assert drug["class"].tolist() == ["large", "small"] * 4 + ["large"]
    control = tracks[tracks["image"] == "control_1.tif"].set_index("track")
    assert control["mother"].dropna().to_dict() == {8: 3, 9: 3}
    assert control["daughters"][3] == "8, 9"
    # One pixel of 0.5 µm down in each step of 5 minutes.
    assert control["speed_um_per_h"][1] == pytest.approx(6)
    text = meaning.set_index("column")["definition"]["class"]
    assert "Classifier: " in text
    # The classifier on this image is one step, and comes back.
    session.undo()
    user.wait_for(lambda: len(images[0].classes["masks"]) == 6)
    session.redo()
    user.wait_for(lambda: len(images[0].classes["masks"]) == 9)
    # A copy under another name, opened again.
    copy = tmp_path / "copy.cpstudio"
    window.projects.save_as(copy)
    user.wait_idle()
    window.projects.close()
    user.wait_idle()
    window.projects.open(copy)
    user.wait_for(lambda: len(window.session.images) == 2)
    user.wait_for(lambda: window.session.shown.masks.pixels.loaded)
    again = exported(user, content, tmp_path / "second")
    for one, other in zip(before, again, strict=True):
        pd.testing.assert_frame_equal(one, other)
    window.projects.close()
    user.wait_idle()
    # The table of undo steps is lost; what was made is not.
    damaged = tmp_path / "damaged.cpstudio"
    data = bytearray(copy.read_bytes())
    with closing(sqlite3.connect(copy)) as db:
        counts = {one: _count(db, one) for one in TABLES}
        root = db.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'revision_of_label_set'"
        ).fetchone()[0]
    assert counts == {"division": 2, "cell_class": 2, "classifier": 1, "classified": 18}
    data[(root - 1) * 4096 : root * 4096] = bytes(4096)
    damaged.write_bytes(data)
    report = rescue(damaged, tmp_path / "rescued.cpstudio")
    with closing(sqlite3.connect(report.target)) as db:
        assert {one: _count(db, one) for one in TABLES} == counts
    window.projects.open(report.target)
    user.wait_for(lambda: len(window.session.images) == 2)
    user.wait_for(lambda: window.session.shown.masks.pixels.loaded)
    saved = exported(user, content, tmp_path / "third")
    for one, other in zip(before, saved, strict=True):
        pd.testing.assert_frame_equal(one, other)


def _count(db, table):
    return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
