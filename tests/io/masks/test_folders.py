"""Which files of a folder are images, and which masks belong to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.io.masks.folders import (
    image_of_masks,
    image_stem,
    is_masks_path,
    masks_in,
    masks_of_image,
    scan_folder,
)
from cellpose_studio.paths import split_name


@pytest.fixture
def folder(tmp_path):
    """Return a function that puts empty files into a folder and returns it."""

    def make(*names):
        for name in names:
            (tmp_path / name).touch()
        return tmp_path

    return make


def listed(folder):
    """Return the names of the images of a folder with those of their masks."""
    return {
        entry.image.name: [masks.name for masks in entry.masks]
        for entry in scan_folder(folder)
    }


def test_images_come_in_the_order_of_a_file_manager(folder):
    folder("b10.tif", "b9.TIF", "a.png", "c.jpeg", "d.tiff", "B1.jpg")
    assert list(listed(folder())) == [
        "a.png",
        "B1.jpg",
        "b9.TIF",
        "b10.tif",
        "c.jpeg",
        "d.tiff",
    ]


def test_other_and_hidden_files_are_left_alone(folder):
    folder("a.tif", ".b.tif", "._a.tif", "notes.txt", "a.csv", "b_rois.zip", "a.npy")
    (folder() / "subfolder").mkdir()
    assert listed(folder()) == {"a.tif": []}


def test_masks_belong_to_the_image_they_are_named_after(folder):
    folder("a.tif", "a_masks.png", "a_cp_masks.tif", "a_seg.npy", "b.png")
    folder("b_seg.npy", "c.tif", "c_MASKS.tif", "d_masks.tif")
    assert listed(folder()) == {
        "a.tif": ["a_masks.png", "a_seg.npy", "a_cp_masks.tif"],
        "b.png": ["b_seg.npy"],
        "c.tif": [],
        "c_MASKS.tif": [],
    }


def test_the_ome_in_a_name_is_none_of_the_name(folder):
    folder("a.ome.tif", "a_cp_masks.ome.tif", "b.ome.tif", "b_masks.tif", "c.tif")
    folder("c_masks.ome.tif", "d.OME.TIF", "d_masks.OME.TIFF", "d_seg.npy")
    folder("e.ome.tif", "e.ome_cp_masks.tif", "f_flows.ome.tif", "e_masks.png")
    assert listed(folder()) == {
        "a.ome.tif": ["a_cp_masks.ome.tif"],
        "b.ome.tif": ["b_masks.tif"],
        "c.tif": ["c_masks.ome.tif"],
        "d.OME.TIF": ["d_masks.OME.TIFF", "d_seg.npy"],
        "e.ome.tif": ["e_masks.png", "e.ome_cp_masks.tif"],
    }
    for name, masks in listed(folder()).items():
        found = [path.name for path in masks_of_image(folder() / name)]
        # A suffix in capitals is found by listing the folder alone.
        assert found == [one for one in masks if "OME" not in one]
    for name in ("a_cp_masks.ome.tif", "e.ome_cp_masks.tif", "e_masks.png"):
        assert image_of_masks(folder() / name) == folder() / f"{name[0]}.ome.tif"
    assert set(masks_in(folder())) == set("abcde")


def test_masks_belong_to_the_image_of_exactly_their_name(folder):
    folder("a.ome.tif", "a.tif", "a_masks.tif", "a.ome_masks.tif")
    expected = {"a.ome.tif": ["a.ome_masks.tif"], "a.tif": ["a_masks.tif"]}
    assert listed(folder()) == expected
    for name, masks in expected.items():
        assert [p.name for p in masks_of_image(folder() / name)] == masks
    assert image_of_masks(folder() / "a_masks.tif") == folder() / "a.tif"
    assert image_of_masks(folder() / "a.ome_masks.tif") == folder() / "a.ome.tif"


def test_of_one_kind_of_masks_a_tiff_comes_before_a_png(folder):
    folder("a.tif", "a_masks.png", "a_masks.tif", "a_cp_masks.PNG", "a_cp_masks.TIFF")
    assert listed(folder()) == {"a.tif": ["a_masks.tif", "a_cp_masks.TIFF"]}


def test_images_of_one_stem_share_their_masks(folder):
    folder("a.tif", "a.png", "a_masks.tif")
    assert listed(folder()) == {"a.png": ["a_masks.tif"], "a.tif": ["a_masks.tif"]}


CELLPOSES = (
    *("_flows.tif", "_cp_flows.tif", "_cp_flows_0.tif", "_cp_flows_1.tif"),
    *("_cp_flows_2.tif", "_flows_cp_masks.tif", "_dP_cp_masks.tif"),
    *("_cellprob_cp_masks.tif", "_cp_cellprob.tif", "_outlines_cp_masks.png"),
    *("_cp_output_cp_masks.png", "_cp_outlines.txt", "_cp_output.png"),
    *("_outlines.png", "_cp_masks_ids.csv", "_cp_cellprob.npy"),
)
"""What Cellpose's window and command line, and ours, write beside an image."""


@pytest.mark.parametrize("ending", CELLPOSES)
def test_what_cellpose_writes_beside_an_image_is_neither_image_nor_masks(
    folder, ending
):
    folder("a.tif", f"a{ending}")
    assert listed(folder()) == {"a.tif": []}


def test_names_that_only_look_alike_are_images(folder):
    names = ["masks.tif", "a_masks_2.tif", "unmasked.png", "seg.tif", "a_seg.tif"]
    folder(*names)
    assert set(listed(folder())) == set(names)


def test_an_ome_zarr_is_an_image_with_masks_beside_it(folder):
    for name in ("a.zarr", "plain", "b.ome.zarr"):
        (folder() / name).mkdir()
    for name in ("a.zarr", "b.ome.zarr"):
        (folder() / name / ".zattrs").write_text('{"multiscales": []}')
    folder("a_cp_masks.tif", "b.ome_masks.tif")
    assert listed(folder()) == {
        "a.zarr": ["a_cp_masks.tif"],
        "b.ome.zarr": ["b.ome_masks.tif"],
    }


def test_a_folder_that_has_gone_is_said_to(tmp_path):
    with pytest.raises(ImageUnreadable, match="folder gone cannot be read: No such"):
        scan_folder(tmp_path / "gone")


def test_masks_are_listed_by_image(folder):
    folder("a10_masks.tif", "a2_seg.npy", "a2_cp_masks.tif", "b.tif", ".a_masks.tif")
    found = masks_in(folder())
    names = {stem: [path.name for path in paths] for stem, paths in found.items()}
    assert list(names.items()) == [
        ("a2", ["a2_seg.npy", "a2_cp_masks.tif"]),
        ("a10", ["a10_masks.tif"]),
    ]


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a_cp_masks.tif", "a"),
        ("a_masks.png", "a"),
        ("a_seg.npy", "a"),
        ("a_masks_cp_masks.tif", "a_masks"),
        ("a.ome_cp_masks.tif", "a.ome"),
        ("a_cp_masks.ome.tif", "a"),
        ("a.tif", "a"),
    ],
)
def test_masks_name_their_image(tmp_path, name, stem):
    assert image_stem(tmp_path / name) == stem


@pytest.mark.parametrize(
    ("name", "are"),
    [
        ("a_masks.tif", True),
        ("a_MASKS.tif", False),
        ("a_masks.jpg", False),
        ("a_masks.npy", False),
        ("a_seg.npy", True),
        ("a_seg.tif", False),
        ("a_cp_masks.TIFF", True),
        ("a_outlines_cp_masks.png", False),
        ("a_trackmate_masks.tif", False),
        ("a_cellprofiler_masks.tif", False),
    ],
)
def test_masks_are_told_by_their_names(tmp_path, name, are):
    assert is_masks_path(tmp_path / name) is are


def test_images_may_be_named_after_other_programs(folder):
    folder("a_trackmate.tif", "b_cellprofiler.tif", "b_cellprofiler_masks.tif")
    names = [entry.image.name for entry in scan_folder(folder())]
    assert names == ["a_trackmate.tif", "b_cellprofiler.tif"]


def test_masks_beside_an_image_are_those_of_the_folder(folder):
    folder("a.tif", "a_masks.tif", "a_cp_masks.png", "a_seg.npy", "ab_masks.tif")
    [entry] = [entry for entry in scan_folder(folder()) if entry.image.name == "a.tif"]
    assert masks_of_image(folder() / "a.tif") == entry.masks
    assert len(entry.masks) == 3


def test_the_image_beside_masks_is_found(folder):
    folder("a.png", "a.tif", "a.txt", "a_masks.tif", "b_seg.npy", "a_cp_masks.png")
    for name in ("a_masks.tif", "a_cp_masks.png", "a_seg.npy"):
        assert image_of_masks(folder() / name) == folder() / "a.png"
    assert image_of_masks(folder() / "b_seg.npy") is None
    assert image_of_masks(folder() / "gone" / "a_masks.tif") is None


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif", ".a", "a.", "a", "..", "a..b"])
def test_a_name_is_split_as_a_path_is(name):
    path = Path(name)
    assert split_name(name) == (path.stem, path.suffix)


def test_regions_of_imagej_are_taken_where_there_are_no_other_masks(folder):
    here = folder("a.tif", "a_rois.zip", "b.tif", "b_cp_masks.tif", "b_rois.zip")
    found = {one.image.name: one.masks for one in scan_folder(here)}
    assert found == {
        "a.tif": (here / "a_rois.zip",),
        "b.tif": (here / "b_cp_masks.tif",),
    }
    for name, masks in found.items():
        assert masks_of_image(here / name) == masks
