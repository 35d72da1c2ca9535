"""``cellpose-studio evaluate``: the numbers that it prints."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cellpose_studio.cli.main import run
from cellpose_studio.engine.torchvision_ops import make_importable


def squares(*corners, size=10):
    """Return masks with one square cell per corner."""
    masks = np.zeros((60, 60), np.uint16)
    for n, (y, x) in enumerate(corners, start=1):
        masks[y : y + size, x : x + size] = n
    return masks


@pytest.fixture
def folders(tmp_path):
    found, true = tmp_path / "found", tmp_path / "true"
    found.mkdir()
    true.mkdir()
    tifffile.imwrite(true / "a_masks.tif", squares((5, 5), (30, 30)))
    tifffile.imwrite(found / "a_cp_masks.tif", squares((5, 5), (31, 30)))
    tifffile.imwrite(true / "b_masks.tif", squares((5, 5)))
    tifffile.imwrite(found / "b_cp_masks.tif", squares((40, 40)))
    return found, true


def rows(text):
    """Return the numbers of each line by its first word."""
    lines = [line.split() for line in text.splitlines()[1:]]
    return {line[0]: [float(n) for n in line if n[0].isdigit()] for line in lines}


def test_the_precision_is_cellposes_per_image_and_in_mean(folders, capsys):
    assert run(["evaluate", *map(str, folders)]) == 0
    said = rows(capsys.readouterr().out)
    make_importable()
    from cellpose.metrics import average_precision

    for name in "ab":
        true = tifffile.imread(folders[1] / f"{name}_masks.tif")
        found = tifffile.imread(folders[0] / f"{name}_cp_masks.tif")
        expected = average_precision([true], [found], [0.5, 0.75, 0.9])[0][0]
        assert said[f"{name}_cp_masks.tif"][:3] == pytest.approx(expected, abs=5e-4)
    assert said["a_cp_masks.tif"][:3] == pytest.approx([1, 1, 1 / 3], abs=5e-4)
    assert said["b_cp_masks.tif"] == [0, 0, 0, 1, 1]
    assert said["mean"][1:] == pytest.approx([0.5, 0.5, 1 / 6], abs=5e-4)


def test_two_files_can_be_compared(folders, capsys):
    found, true = folders
    assert (
        run(["evaluate", str(found / "a_cp_masks.tif"), str(true / "a_masks.tif")]) == 0
    )
    assert "mean of 1 image" in capsys.readouterr().out


def test_a_bad_file_is_listed_and_the_rest_is_compared(folders, capsys):
    (folders[0] / "b_cp_masks.tif").write_bytes(b"no masks")
    assert run(["evaluate", *map(str, folders)]) == 1
    said = capsys.readouterr()
    assert "b_cp_masks.tif" in said.err
    assert "1 done, 1 failed" in said.err
    assert "mean of 1 image" in said.out


def test_masks_of_another_size_are_refused(folders, capsys):
    tifffile.imwrite(folders[0] / "b_cp_masks.tif", np.zeros((5, 5), np.uint16))
    assert run(["evaluate", *map(str, folders)]) == 1
    assert "(5, 5)" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["found", "true"])
def test_a_folder_that_is_not_there_is_said(folders, capsys, missing):
    paths = {"found": folders[0], "true": folders[1]}
    paths[missing] = paths[missing].with_name("nowhere")
    assert run(["evaluate", str(paths["found"]), str(paths["true"])]) == 2
    assert capsys.readouterr().err.startswith("cellpose-studio: ")
