"""Two images never share a name, and what exists is found."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.export_target import (
    existing_files,
    target,
    without_cells,
)
from cellpose_studio.workflows.batches.export_names import NAMES_FILE, ExportNames


@pytest.fixture
def image(cells):
    return open_images(cells("a.tif", (32, 32)))[0]


class _Scene:
    """What a name is made of."""

    path = Path("in/a.tif")

    def __init__(self, scene):
        self.scene = self.key = scene


def scenes_of(image, *names):
    return [replace(image, scene=name) for name in names]


def test_scenes_whose_names_no_file_can_have_get_numbers(image, tmp_path):
    names = ExportNames(tmp_path)
    plus, minus, other = scenes_of(image, "Tile +1", "Tile −1", "Tile 2")
    assert [names.base(one).name for one in (plus, minus, other, plus)] == [
        "a_Tile--1",
        "a_Tile--1_2",
        "a_Tile-2",
        "a_Tile--1",
    ]
    names.write_list(tmp_path)
    with (tmp_path / NAMES_FILE).open(encoding="utf-8", newline="") as file:
        [row] = csv.DictReader(file)
    assert row == {
        "name": "a_Tile--1_2",
        "image": str(image.path),
        "scene": "Tile −1",
    }


def test_without_a_number_no_list_is_written(image, tmp_path):
    names = ExportNames()
    names.base(image)
    assert names.write_list(image.path.parent) is None
    assert not (image.path.parent / NAMES_FILE).exists()


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6)))
def test_no_two_images_share_a_name_on_any_system(scenes):
    names = ExportNames(Path("out"))
    images = [_Scene(scene) for scene in dict.fromkeys(scenes)]
    bases = [str(names.base(one)).casefold() for one in images]
    assert len(set(bases)) == len(images)


def test_what_to_do_with_files_that_exist(tmp_path):
    base = tmp_path / "a"
    assert target(base, ["tif", "npy"], "refuse") == base
    for name in ("a_seg.npy", "a_2_cp_masks.tif"):
        (tmp_path / name).touch()
    assert existing_files(base, ["tif", "npy"]) == [tmp_path / "a_seg.npy"]
    assert target(base, ["tif"], "refuse") == base
    assert target(base, ["npy"], "replace") == base
    assert target(base, ["tif", "npy"], "skip") is None
    assert target(base, ["tif", "npy"], "number") == tmp_path / "a_3"
    with pytest.raises(CannotSave, match=r"a_seg\.npy exists already"):
        target(base, ["tif", "npy"], "refuse")


def test_cells_are_left_out_without_changing_the_others():
    labels = np.arange(12, dtype=np.uint32).reshape(3, 4)
    assert without_cells(labels, ()) is labels
    left = without_cells(labels, [3, 7])
    assert left.dtype == np.uint32
    assert set(labels.ravel()) - set(left.ravel()) == {3, 7}
    assert labels[0, 3] == 3


def test_the_same_name_in_thousands_of_folders_costs_no_search_each(image, tmp_path):
    names = ExportNames(tmp_path)
    found = [
        names.base(replace(image, path=Path(f"/{n}/a.tif"), fingerprint=str(n)))
        for n in range(3000)
    ]
    assert found[0].name == "a"
    assert found[-1].name == "a_3000"
    assert len(set(found)) == 3000
