"""``cellpose-studio measure``: the tables that it writes, and what it returns."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellpose_studio.cli.main import run
from cellpose_studio.core.measure.experiment.columns import (
    EXPERIMENT_STATE,
    ExperimentColumns,
)
from cellpose_studio.io import atomic
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.export import save_all
from cellpose_studio.io.project.tables.window_state import write_state
from cellpose_studio.io.tables.names import COLUMNS_CSV, TABLE_FILES
from cellpose_studio.workflows.measure import tables


@pytest.fixture
def folder(cells, tmp_path):
    """A folder with two images of 12 cells, and their masks."""
    y, x = np.indices((96, 128))
    inside = np.hypot(y % 32 - 16, x % 32 - 16) <= 10
    labels = np.where(inside, y // 32 * 4 + x // 32 + 1, 0).astype(np.uint16)
    for name in ("DMSO_A1", "drug_B2"):
        cells(f"plate/{name}.tif")
        tifffile.imwrite(tmp_path / "plate" / f"{name}_masks.tif", labels)
    return tmp_path / "plate"


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def call(*words):
    return run(["measure", *map(str, words)])


def test_a_folder_gives_one_table(folder, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    assert call(folder, "--out", out, "--save", "csv", "parquet") == 0
    assert sorted(file.name for file in out.iterdir()) == sorted(TABLE_FILES)
    rows = rows_of(out / "measurements.csv")
    assert [(row["image"], row["cell"]) for row in rows] == [
        (name, str(n + 1)) for name in ("DMSO_A1.tif", "drug_B2.tif") for n in range(12)
    ]
    areas = [float(row["area_um2"]) for row in rows]
    # The files have 4 pixels per µm.
    assert areas == pytest.approx([np.pi * 2.5**2] * 24, rel=0.03)
    images = rows_of(out / "measurements_images.csv")
    assert [row["cells"] for row in images] == ["12", "12"]
    assert images[0]["file"] == str(folder / "DMSO_A1.tif")
    named = {row["column"]: row for row in rows_of(out / COLUMNS_CSV)}
    assert set(rows[0]) | set(images[0]) == set(named)
    assert all(row["definition"] for row in named.values())
    assert "numba" in named["area_um2"]["computed_by"]
    assert named["area_um2"]["unit"] == "µm²"
    assert "12 cells (masks)" in capsys.readouterr().out


def test_tables_are_not_replaced_unasked(folder, capsys):
    assert call(folder) == 0
    table = folder / "measurements.csv"
    table.write_text("mine")
    assert call(folder) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert call(folder, "--skip-existing") == 0
    assert table.read_text() == "mine"
    assert call(folder, "--overwrite") == 0
    assert len(rows_of(table)) == 24
    # Our own tables are nothing that is missed.
    assert "left out" not in capsys.readouterr().out
    assert [f.name for f in folder.iterdir() if f.name.startswith(".")] == []


def test_a_bad_file_costs_only_itself(folder, capsys):
    (folder / "bad.tif").write_bytes(b"II*\0 no image")
    tifffile.imwrite(folder / "alone.tif", np.zeros((8, 8), np.uint8))
    tifffile.imwrite(folder / "small.tif", np.zeros((8, 8), np.uint8))
    tifffile.imwrite(folder / "small_masks.tif", np.zeros((9, 9), np.uint8))
    (folder / "report.docx").write_bytes(b"")
    assert call(folder) == 1
    out, said = capsys.readouterr()
    assert "plate: 1 file left out: 1 × .docx." in out
    assert "2 done, 3 failed" in said
    assert "no masks beside alone.tif" in said
    assert "bad.tif is damaged" in said
    assert "small_masks.tif has the shape" in said
    assert len(rows_of(folder / "measurements.csv")) == 24


def test_nothing_is_written_if_nothing_could_be_measured(tmp_path):
    tifffile.imwrite(tmp_path / "alone.tif", np.zeros((8, 8), np.uint8))
    assert call(tmp_path) == 2
    assert [file.name for file in tmp_path.iterdir()] == ["alone.tif"]


def test_the_folder_is_checked_first(folder, tmp_path, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert call(folder, "--out", blocked / "out") == 2
    said = capsys.readouterr()
    assert "cannot be written to" in said.err
    assert "cells" not in said.out


def test_columns_of_the_experiment(folder, tmp_path, capsys):
    table = tmp_path / "days.csv"
    table.write_text("image;day\nDMSO_A1.tif;3\n")
    words = ["--pattern", "{drug}_{well}", "--experiment", table, "--groups", "size"]
    assert call(folder, *words, "--preview") == 0
    said = capsys.readouterr().out
    assert "DMSO_A1.tif: drug=DMSO, well=A1, day=3" in said
    assert not (folder / "measurements.csv").exists()
    assert call(folder, *words) == 0
    rows = rows_of(folder / "measurements.csv")
    found = {(row["drug"], row["well"], row["day"]) for row in rows}
    assert found == {("DMSO", "A1", "3"), ("drug", "B2", "")}
    names = ["image", "drug", "well", "day", "masks", "time", "cell"]
    assert list(rows[0]) == [*names, "area_px", "area_um2"]


def test_images_that_the_pattern_does_not_fit_are_named(folder, capsys):
    assert call(folder, "--pattern", "DMSO_{a}", "--groups", "size") == 0
    assert "1 image (DMSO_{a}): drug_B2.tif" in capsys.readouterr().out
    assert call(folder, "--pattern", "{a") == 2


@pytest.mark.parametrize("more", [[], ["--preview"]])
def test_a_pattern_that_fits_no_image_is_a_failure(folder, capsys, more):
    assert call(folder, "--pattern", "{a}-{b}", "--groups", "size", *more) == 1
    said = capsys.readouterr().err
    assert "The pattern {a}-{b} fits no name: DMSO_A1, drug_B2." in said


def test_a_row_goes_to_the_file_that_it_names(folder, cells, tmp_path, capsys):
    cells("other/DMSO_A1.tif")
    masks = (folder / "DMSO_A1_masks.tif").read_bytes()
    (tmp_path / "other" / "DMSO_A1_masks.tif").write_bytes(masks)
    table = tmp_path / "days.csv"
    words = [tmp_path / "plate", tmp_path / "other", "--experiment", table]
    table.write_text("image,day\nDMSO_A1.tif,1\ndrug_B2,2\n")
    assert call(*words, "--preview") == 1
    said = capsys.readouterr()
    assert (
        "DMSO_A1.tif may be 2 images, so its row was not used: write plate/DMSO_A1.tif "
        "or other/DMSO_A1.tif."
    ) in said.err
    assert "plate/DMSO_A1.tif: –" in said.out
    assert "plate/drug_B2.tif: day=2" in said.out
    for other in (
        "other/DMSO_A1.tif",
        "./other\\DMSO_A1",
        tmp_path / "other/DMSO_A1.tif",
    ):
        table.write_text(f"image,day\n{other},4\nplate/DMSO_A1,3\n")
        assert call(*words, "--preview") == 0
        said = capsys.readouterr().out
        assert "plate/DMSO_A1.tif: day=3" in said
        assert "other/DMSO_A1.tif: day=4" in said


def test_columns_that_differ_by_case_are_one(folder, tmp_path):
    table = tmp_path / "days.csv"
    table.write_text("image,WELL\ndrug_B2,C3\n")
    words = ["--pattern", "{drug}_{Well}", "--experiment", table, "--groups", "size"]
    assert call(folder, *words) == 0
    rows = rows_of(folder / "measurements.csv")
    assert {(row["drug"], row["Well"]) for row in rows} == {
        ("DMSO", "A1"),
        ("drug", "C3"),
    }
    assert "WELL" not in rows[0]


@pytest.mark.parametrize(
    "kind", ["rois", "geojson", "coco", "coco-polygons", "cellprofiler", "npy", "png"]
)
def test_masks_of_every_format_are_found_beside_the_image(
    cells, tmp_path, kind, capsys
):
    path = cells("a.tif")
    labels = np.zeros((96, 128), np.uint32)
    labels[10:20, 10:20], labels[40:60, 40:60] = 1, 2
    (image,) = open_images(path)
    (written,) = save_all(path.with_suffix(""), labels, None, [kind], image=image)
    assert call(path, "--groups", "size") == 0
    rows = rows_of(tmp_path / "measurements.csv")
    assert [row["area_px"] for row in rows] == ["100", "400"]
    # What was found before is preferred; a file with the same cells is nothing to say.
    tifffile.imwrite(tmp_path / "a_masks.tif", (3 * labels).astype(np.uint16))
    assert call(path, "--groups", "size", "--overwrite") == 0
    said = capsys.readouterr().out
    assert "2 cells (masks)" in said
    assert "other cells" not in said
    labels[10, 10] = 0
    tifffile.imwrite(tmp_path / "a_masks.tif", labels.astype(np.uint16))
    assert call(path, "--groups", "size", "--overwrite") == 0
    assert (
        f"{written.name} holds other cells than a_masks.tif, which was taken."
    ) in capsys.readouterr().out


def test_a_channel_that_no_image_has_is_a_failure(folder, capsys):
    assert call(folder, "--channels", "1", "7") == 2
    said = capsys.readouterr().err
    assert "There is no channel 7 in DMSO_A1.tif, which has 1 channel." in said
    assert not (folder / "measurements.csv").exists()


def test_images_of_the_same_name_have_their_folder(folder, cells, tmp_path):
    cells("other/DMSO_A1.tif")
    labels = np.zeros((96, 128), np.uint16)
    labels[5, 5] = 7
    tifffile.imwrite(tmp_path / "other" / "DMSO_A1_cp_masks.tif", labels)
    out = tmp_path / "out"
    paths = [folder, tmp_path / "other", folder / "DMSO_A1.tif"]
    assert call(*paths, "--out", out, "--groups", "size") == 0
    rows = rows_of(out / "measurements_images.csv")
    assert [(row["image"], row["cells"]) for row in rows] == [
        ("plate/DMSO_A1.tif", "12"),
        ("plate/drug_B2.tif", "12"),
        ("other/DMSO_A1.tif", "1"),
    ]


def test_masks_and_sizes_are_chosen(folder, tmp_path):
    labels = np.zeros((96, 128), np.uint16)
    labels[5:7, 5:7] = 1
    tifffile.imwrite(folder / "DMSO_A1_cp_masks.tif", labels)
    words = ["--masks", "cp_masks", "--pixel-size", "2", "--groups", "size"]
    assert call(folder / "DMSO_A1.tif", *words) == 0
    (row,) = rows_of(folder / "measurements.csv")
    assert (row["masks"], row["area_um2"]) == ("cp_masks", "16.0")
    assert call(folder / "drug_B2.tif", *words, "--overwrite") == 2


def test_a_calibration_is_applied_and_told(tmp_path, capsys):
    pixels = np.full((8, 8), 10, np.uint8)
    description = "ImageJ=1.53t\nimages=1\ncf=0\nc0=5\nc1=0.5\nvunit=OD\n"
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, description=description, metadata=None)
    tifffile.imwrite(tmp_path / "a_masks.tif", pixels)
    assert call(path) == 0
    assert "Grey values were calibrated" in capsys.readouterr().out
    (row,) = rows_of(tmp_path / "measurements.csv")
    assert row["mean_Channel_1"] == "10.0"
    (image,) = rows_of(tmp_path / "measurements_images.csv")
    assert "5 + 0.5 × grey value, in OD" in image["calibration"]


def test_columns_of_images_with_different_calibrations_have_no_unit(tmp_path, capsys):
    pixels = np.full((8, 8), 10, np.uint8)
    for name, unit in (("a", "nM"), ("b", "")):
        description = "ImageJ=1.53t\nimages=1\ncf=0\nc0=5\nc1=0.5\n" * bool(unit)
        path, said = tmp_path / f"{name}.tif", f"{description}vunit={unit}\n"
        tifffile.imwrite(path, pixels, description=said, metadata=None)
        tifffile.imwrite(tmp_path / f"{name}_masks.tif", pixels)
    assert call(tmp_path / "a.tif") == 0
    named = {row["column"]: row for row in rows_of(tmp_path / COLUMNS_CSV)}
    assert named["mean_Channel_1"]["unit"] == "nM"
    assert named["mean_of_mean_Channel_1"]["unit"] == "nM"
    assert "cannot be compared" not in capsys.readouterr().out
    assert call(tmp_path, "--overwrite") == 0
    named = {row["column"]: row for row in rows_of(tmp_path / COLUMNS_CSV)}
    for name in ("mean_Channel_1", "mean_of_mean_Channel_1"):
        assert named[name]["unit"] == ""
        assert "Calibrations of grey values differ" in named[name]["definition"]
    assert "cannot be compared" in capsys.readouterr().out


def test_a_column_of_the_experiment_is_no_measurement(folder, capsys):
    table = folder.parent / "known.csv"
    table.write_text("image,mean_Channel_1\nDMSO_A1,3\n")
    assert call(folder, "--experiment", table) == 2
    assert "has the name of a measurement" in capsys.readouterr().err
    assert not (folder / "measurements.csv").exists()


def test_what_cannot_be_summed_up_leaves_no_rows(folder, capsys, monkeypatch):
    def summary(found):
        raise MemoryError

    monkeypatch.setattr(tables, "summary_of", summary)
    assert call(folder) == 2
    assert not (folder / "measurements.csv").exists()
    assert "0 done, 2 failed" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk to write to")
def test_a_full_disk_ends_the_command(folder, capsys, monkeypatch):
    out = folder.parent / "out"
    monkeypatch.setattr(atomic, "temporary_name", lambda _: "full")
    out.mkdir()
    # A disk that takes no byte.
    (out / "full.csv").symlink_to("/dev/full")
    assert call(folder, "--out", out) != 0
    said = capsys.readouterr()
    assert "the disk is full" in said.err
    assert "Traceback" not in said.err


def test_time_points_are_counted_from_1(tmp_path):
    masks = np.zeros((2, 8, 8), np.uint16)
    masks[:, 2:5, 2:5] = 1
    tifffile.imwrite(tmp_path / "a.tif", masks, imagej=True, metadata={"axes": "TYX"})
    tifffile.imwrite(tmp_path / "a_masks.tif", masks)
    assert call(tmp_path) == 0
    for name in ("measurements.csv", "measurements_images.csv"):
        assert [row["time"] for row in rows_of(tmp_path / name)] == ["1", "2"]


def test_a_project_is_measured(earlier_project, tmp_path):
    from cellpose_studio.app.project.project import Project

    project = Project.open(earlier_project)
    columns = ExperimentColumns().merged({1: {"day": "3"}})
    project.submit(lambda db: write_state(db, EXPERIMENT_STATE, columns.as_json()))
    project.close()
    out = tmp_path / "out"
    assert call(earlier_project, "--out", out) == 0
    rows = rows_of(out / "measurements.csv")
    assert [row["image"] for row in rows] == ["a.tif"] * 11 + ["b.tif"] * 5 + [
        "c.tif"
    ] * 2
    assert {row["origin"] for row in rows} == {"run", "drawn", "edited", "imported"}
    # The columns of the experiment that the project has are in the table, too.
    assert {(row["image"], row["day"]) for row in rows} == {
        ("a.tif", "3"),
        ("b.tif", ""),
        ("c.tif", ""),
    }


@pytest.mark.parametrize(
    "words", [["--channels", "0"], ["--pixel-size", "0"], ["--z-step", "x"], []]
)
def test_options_that_cannot_be(words):
    with pytest.raises(SystemExit) as end:
        call(*words)
    assert end.value.code == 2


def test_rows_that_name_no_image_are_told(folder, tmp_path, capsys):
    table = tmp_path / "days.csv"
    table.write_text("image,day\nDMSO_A1,3\nDMSO_A7,4\n")
    assert call(folder, "--experiment", table, "--pattern", "{a}_{b}", "--preview") == 0
    assert "No image for 1 row of the table: DMSO_A7" in capsys.readouterr().out


def test_the_size_that_is_missing_is_told(tmp_path, capsys):
    masks = np.ones((3, 8, 8), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", masks, imagej=True, metadata={"axes": "ZYX"})
    tifffile.imwrite(tmp_path / "a_masks.tif", masks)
    for words, missing in (("--z-step", "--pixel-size"), ("--pixel-size", "--z-step")):
        assert call(tmp_path, words, "2", "--preview") == 0
        assert f"in µm for 1 image without {missing}: a.tif" in capsys.readouterr().out
    assert call(tmp_path, "--pixel-size", "2", "--z-step", "2", "--preview") == 0
    assert "in µm" not in capsys.readouterr().out


def test_a_table_of_the_other_kind_does_not_stay(folder, capsys):
    other = folder / "measurements.parquet"
    other.write_text("mine")
    assert call(folder, "--groups", "size") == 2
    assert "measurements.parquet exists" in capsys.readouterr().err
    assert call(folder, "--groups", "size", "--overwrite") == 0
    assert not other.exists()
