"""``cellpose-studio measure --tracks``: the table of tracks."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest
import tifffile

from cellpose_studio.cli.main import run
from cellpose_studio.io.masks.export import save_all
from tests.io.masks.exchange.conftest import image_for


@pytest.fixture
def folder(tmp_path, cells):
    """A film with tracks of the Cell Tracking Challenge beside it, and a plane."""
    labels = np.zeros((3, 20, 30), np.uint32)
    labels[0, 4:8, 4:8] = 3
    labels[1:, 4:8, 4:6] = 5
    labels[1, 4:8, 8:10] = 6
    labels[2, 7:11, 12:14] = 6
    path = tmp_path / "film.tif"
    tifffile.imwrite(
        path,
        (labels > 0).astype(np.uint8),
        imagej=True,
        resolution=(2, 2),
        metadata={"axes": "TYX", "unit": "um"},
    )
    image = image_for(labels, "TYX", path=path)
    save_all(
        tmp_path / "film", labels, None, ["ctc"], image=image, parents={5: 3, 6: 3}
    )
    cells("a.tif")
    tifffile.imwrite(tmp_path / "a_masks.tif", np.ones((96, 128), np.uint16))
    return tmp_path


def test_tracks_have_a_table_of_their_own(folder, capsys):
    out = folder / "out"
    call = ["measure", str(folder), "--out", str(out), "--save", "csv", "parquet"]
    assert run([*call, "--tracks", "--frame-interval", "30"]) == 0
    assert "3 tracks -> tracks.csv, tracks.parquet" in capsys.readouterr().out
    with (out / "tracks.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["image"], r["masks"], r["track"], r["mother"]) for r in rows] == [
        ("film.tif", "RES", "3", ""),
        ("film.tif", "RES", "5", "3"),
        ("film.tif", "RES", "6", "3"),
    ]
    assert rows[0]["daughters"] == "5, 6"
    # 5 pixels of half a µm in half an hour.
    assert float(rows[2]["speed_um_per_h"]) == pytest.approx(5)
    assert rows[0]["speed_um_per_h"] == ""
    same = pd.read_parquet(out / "tracks.parquet")
    assert same["track"].tolist() == [3, 5, 6]
    assert same["path_px"].tolist() == [0, 0, 5]
    with (out / "tracks_columns.csv").open(encoding="utf-8", newline="") as file:
        columns = list(csv.DictReader(file))
    assert [column["column"] for column in columns] == [*rows[0]]
    assert all(column["definition"] for column in columns)


def test_tracks_of_earlier_are_not_replaced_unasked(folder, capsys):
    out = folder / "out"
    out.mkdir()
    (out / "tracks.csv").write_text("mine")
    call = ["measure", str(folder), "--out", str(out), "--tracks"]
    assert run(call) == 2
    assert "tracks.csv exists already" in capsys.readouterr().err
    assert run([*call, "--overwrite"]) == 0
    assert "mine" not in (out / "tracks.csv").read_text()


def test_planes_have_no_tracks(folder, capsys):
    assert run(["measure", str(folder / "a.tif"), "--tracks"]) == 0
    assert "No tracks: none of the images is a time series." in capsys.readouterr().out
    assert not (folder / "tracks.csv").exists()
