"""What a folder holds that is not opened with it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.io.masks.export_formats import FORMATS
from cellpose_studio.workflows.left_out import left_out
from cellpose_studio.workflows.open import files_of


@pytest.fixture
def put(tmp_path):
    """Return a function that makes empty files in a folder; returns the folder."""

    def make(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        return tmp_path

    return make


def left(folder):
    files, _ = files_of([folder])
    return left_out([folder], files)


def test_files_are_counted_by_kind_and_images_come_first(put):
    folder = put("a.tif", "n.docx", "1.txt", "2.txt", "x.vsi", "y.VSI", "noted")
    found = left(folder)
    assert found.text == (
        "6 files left out: 2 × .vsi (not supported; export as OME-TIFF), 2 × .txt, "
        "1 × .docx, 1 × without a suffix."
    )
    assert found.details.split("\n\n")[0].splitlines() == [
        "2 × .vsi (not supported; export as OME-TIFF)",
        "  x.vsi",
        "  y.VSI",
    ]


def test_one_file_is_one_file(put):
    assert left(put("a.tif", "b.oir")).text == (
        "1 file left out: 1 × .oir (not supported; export as OME-TIFF)."
    )


def test_many_kinds_make_a_short_message(put):
    found = left(put("a.tif", *(f"x.e{n}" for n in range(9))))
    assert found.text == (
        "9 files left out: 1 × .e0, 1 × .e1, 1 × .e2, 1 × .e3, 5 more kinds."
    )
    assert "1 × .e8\n  x.e8" in found.details


def test_folders_are_not_searched_in_silence(put):
    folder = put("a.tif", "day 1/b.tif", "day 2/c.tif", "old.zarr/0")
    assert left(folder).text == (
        "1 file left out: 1 × .zarr (without the metadata of an OME-Zarr). "
        "2 folders were not searched: open the folders with images one by one."
    )


def test_images_of_the_current_folder_are_not_left_out(put, monkeypatch):
    monkeypatch.chdir(put("a.tif", "b.tif", "notes.docx"))
    assert left(Path()).text == "1 file left out: 1 × .docx."


def test_masks_without_their_image_are_said(put):
    folder = put("a.tif", "a_masks.png", "b_masks.tif", "c_seg.npy", "a_masks.jpg")
    assert left(folder).text == (
        "3 files left out: 2 × masks (no image of that name), "
        "1 × .jpg (named like masks)."
    )


def test_what_programs_put_there_is_not_missed(put):
    ours = [f"a{form.ending}" for form in FORMATS.values()]
    folder = put("a.tif", *ours, "a_flows.tif", "a_outlines.png", "p.cpstudio")
    put("Thumbs.db", ".DS_Store", "desktop.ini", "._a.tif", ".hidden/x.tif")
    assert not left(folder)
    assert left(folder).text == ""


def test_masks_of_an_ome_tiff_are_not_missed(put):
    assert not left(put("a.ome.tif", "a_masks.tif", "a.ome_cp_masks.ome.tif"))


def test_a_single_file_leaves_nothing_out(put):
    folder = put("a.tif", "n.docx")
    files, _ = files_of([folder / "a.tif"])
    assert not left_out([folder / "a.tif"], files)


def test_what_was_chosen_beside_its_folder_is_not_told_twice(put):
    folder = put("a.tif", "n.docx", "m.docx")
    paths = [folder, folder / "n.docx"]
    files, _ = files_of(paths)
    left = left_out(paths, files)
    assert (left.text, left.heading) == (
        "1 file left out: 1 × .docx.",
        "1 file left out:",
    )
    assert left.details == "1 × .docx\n  m.docx"


def test_a_folder_without_images_says_what_it_holds(put):
    _, [error] = files_of([put("x.vsi", "sub/a.tif")])
    assert isinstance(error, ImageUnreadable)
    assert error.hint.endswith(
        "1 file left out: 1 × .vsi (not supported; export as OME-TIFF). "
        "1 folder in it was not searched: open the folders with images one by one."
    )
    assert not left_out([put()], [])
