"""``cellpose-studio measure`` with masks of nuclei."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tifffile

from cellpose_studio.cli.main import run


def call(*words):
    return run(["measure", *map(str, words)])


@pytest.fixture
def folder(tmp_path):
    """An image of 2 cells with 3 nuclei, of which one is in no cell; 2 px per µm."""
    cells = np.zeros((40, 60), np.uint16)
    cells[5:25, 5:25], cells[5:25, 30:50] = 4, 7
    nuclei = np.zeros_like(cells)
    nuclei[10:16, 10:16], nuclei[18:22, 10:14], nuclei[30:34, 30:34] = 1, 2, 4
    image = np.where(nuclei > 0, 50, np.where(cells > 0, 20, 5)).astype(np.uint16)
    folder = tmp_path / "plate"
    folder.mkdir()
    size = {"resolution": (2, 2), "metadata": {"unit": "um"}}
    tifffile.imwrite(folder / "a.tif", image, imagej=True, **size)
    tifffile.imwrite(folder / "a_masks.tif", cells)
    tifffile.imwrite(folder / "a_nuclei_masks.tif", nuclei)
    return folder


def test_compartments_are_columns_of_the_table(folder, tmp_path, capsys):
    words = ["--nuclei", "nuclei", "--ring", "1um", "--save", "csv", "parquet"]
    assert call(folder, "--out", tmp_path, *words) == 0
    said = capsys.readouterr().out
    assert (
        "3 nuclei, 2 cells: 1 nucleus in no cell, 1 cell without a nucleus and 1 cell "
        "with several nuclei." in said
    )
    assert "left out" not in said
    table = pd.read_csv(tmp_path / "measurements.csv").set_index("cell")
    assert table["nuclei"].tolist() == [2, 0]
    assert table["nucleus_area_px"].tolist() == [52, pytest.approx(np.nan, nan_ok=True)]
    assert table["nucleus_area_um2"][4] == 13
    assert table["cytoplasm_area_px"].tolist() == [348, 400]
    assert table["nucleus_ids"].tolist()[0] == "1 2"
    channel = next(c for c in table if c.startswith("nucleus_mean_"))[13:]
    assert table[f"nucleus_cytoplasm_ratio_{channel}"][4] == 2.5
    assert table[f"nucleus_cytoplasm_ratio_corrected_{channel}"][4] == 3
    assert table[f"ring_mean_{channel}"][4] == 20
    # Sides and corners of both nuclei, 2 px wide, without what they have in common.
    assert 0 < table["ring_area_px"][4] < 24 * 2 + 16 * 2 + 8 * 3
    same = pd.read_parquet(tmp_path / "measurements.parquet").set_index("cell")
    assert list(same) == list(table)
    assert same["ring_area_px"][4] == table["ring_area_px"][4]
    images = pd.read_csv(tmp_path / "measurements_images.csv")
    assert images["orphan_nuclei"].tolist() == [1]
    assert images["cells_with_several_nuclei"].tolist() == [1]
    meaning = pd.read_csv(tmp_path / "measurements_columns.csv").set_index("column")
    assert {*table, "cell"} <= {*meaning.index}
    assert "up to 1 µm" in meaning["definition"]["ring_area_px"]
    assert "masks “nuclei”" in meaning["definition"]["nuclei"]


def test_what_fits_not_is_told(folder, capsys):
    assert call(folder, "--ring", "3px") == 2
    assert "A ring lies around nuclei." in capsys.readouterr().err
    assert call(folder, "--nuclei", "dna") == 2
    told = "a.tif has no masks called “dna”. It has “masks” and “nuclei”."
    assert told in capsys.readouterr().err
    assert call(folder, "--nuclei", "masks") == 2
    assert "a.tif has no masks but those of the nuclei." in capsys.readouterr().err
    tifffile.imwrite(folder / "a_nuclei_masks.tif", np.ones((4, 4), np.uint16))
    assert call(folder, "--nuclei", "nuclei") == 2
    assert "a_nuclei_masks.tif has the shape" in capsys.readouterr().err
    for wrong in (["--ring", "wide"], ["--ring", "0"], ["--overlap", "2"]):
        with pytest.raises(SystemExit):
            call(folder, "--nuclei", "nuclei", *wrong)


def test_the_share_of_a_nucleus_counts(folder, capsys):
    nuclei = np.zeros((40, 60), np.uint16)
    nuclei[10:14, 22:32] = 1
    tifffile.imwrite(folder / "a_nuclei_masks.tif", nuclei)
    assert call(folder, "--nuclei", "nuclei") == 0
    assert "1 nucleus in no cell" in capsys.readouterr().out
    words = ["--nuclei", "nuclei", "--overlap", "0.3", "--groups", "size"]
    assert call(folder, *words, "--overwrite") == 0
    table = pd.read_csv(folder / "measurements.csv")
    assert table["nuclei"].tolist() == [1, 0]
    assert not [name for name in table if "ratio" in name]
