"""Which results exist already is the same for one image and for thousands."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellpose_studio.io.masks.export_target import existing_files, existing_of_many

KINDS = ("tif", "npy")


@pytest.mark.parametrize("stem", ["a", "B", "naïve", "a.ome"])
def test_results_of_many_images_are_found_as_those_of_one(tmp_path, stem):
    bases = [tmp_path / stem, tmp_path / "without", tmp_path / "none" / stem]
    (tmp_path / f"{stem}_cp_masks.tif").touch()
    (tmp_path / f"{stem}_cp_masks.png").touch()
    (tmp_path / f"{stem}_seg.npy").symlink_to(tmp_path / "gone")
    found = existing_of_many(bases, KINDS)
    assert found == [file for base in bases for file in existing_files(base, KINDS)]
    assert {path.name for path in found} == {f"{stem}_cp_masks.tif", f"{stem}_seg.npy"}


def test_results_in_the_present_folder_are_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a_cp_masks.tif").touch()
    assert existing_of_many([Path("a")], KINDS) == [Path("a_cp_masks.tif")]


@pytest.mark.parametrize(
    ("kinds", "number"), [(["tif"], 1), (["rois"], 0), (["rois", "npy"], 1)]
)
def test_the_table_of_ids_counts_where_it_would_be_replaced(tmp_path, kinds, number):
    (tmp_path / "a_cp_masks_ids.csv").touch()
    assert len(existing_files(tmp_path / "a", kinds)) == number
    assert len(existing_of_many([tmp_path / "a"], kinds)) == number
