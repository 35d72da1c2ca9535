"""Masks that are opened from another folder belong to the image that is open."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.export import save_all
from cellpose_studio.io.masks.export_formats import FORMATS

STACK = (
    *("tif", "ome-tiff", "ome-zarr", "cellprofiler", "npy"),
    *("rois", "geojson", "coco"),
)
STILL = ("png", "ome-zarr-0.4", "coco-polygons", *STACK)
FILM = (*STACK, "ctc", "ctc-truth")


def exported(path, labels, kind, folder):
    """Export masks of an image into a folder of their own; return the file."""
    folder.mkdir()
    (source,) = open_images(path)
    base = folder / path.stem
    save_all(base, labels, None, [kind], image=source)
    return FORMATS[kind].path(base)


def opens_as_masks(user, path, labels, kind, folder):
    [image] = user.open(path)
    masks = exported(path, labels, kind, folder)
    assert user.open(masks) == [image]
    assert len(image.label_sets) == 1, user.message
    found = image.masks.array
    pairs = np.unique(np.stack([labels.ravel(), found.ravel()]), axis=1)
    assert pairs.shape[1] == len(np.unique(labels)) == len(np.unique(found))
    assert "Added the masks." in user.message


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *((kind, "a.tif") for kind in STILL),
        *((kind, "a.ome.tif") for kind in ("ome-tiff", "cellprofiler")),
    ],
)
def test_an_export_in_a_folder_of_its_own_opens(user, tmp_path, kind, name):
    path = tmp_path / name
    tifffile.imwrite(path, np.arange(30 * 40, dtype=np.uint16).reshape(30, 40))
    labels = np.zeros((30, 40), np.uint32)
    labels[2:12, 3:15], labels[15:28, 20:39] = 4, 9
    opens_as_masks(user, path, labels, kind, tmp_path / "out")


@pytest.mark.parametrize("kind", FILM)
def test_that_of_a_film_opens(user, tmp_path, kind):
    path = tmp_path / "film.tif"
    film = np.arange(3 * 30 * 40, dtype=np.uint16).reshape(3, 30, 40)
    tifffile.imwrite(path, film, imagej=True, metadata={"axes": "TYX"})
    labels = np.zeros((3, 30, 40), np.uint32)
    labels[:, 2:12, 3:15], labels[1:, 15:28, 20:39] = 4, 9
    opens_as_masks(user, path, labels, kind, tmp_path / "out")


@pytest.mark.parametrize("kind", STACK)
def test_that_of_a_stack_opens(user, tmp_path, kind):
    path = tmp_path / "stack.tif"
    stack = np.arange(3 * 30 * 40, dtype=np.uint16).reshape(3, 30, 40)
    tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "ZYX"})
    labels = np.zeros((3, 30, 40), np.uint32)
    labels[:, 2:12, 3:15], labels[1:, 15:28, 20:39] = 4, 9
    opens_as_masks(user, path, labels, kind, tmp_path / "out")


def test_every_format_that_can_be_read_is_tried_here():
    unread = {"outlines", "trackmate"}
    # It holds the image as well, and opens as an image with one more channel.
    images = {"trackmate-stack"}
    assert {*FORMATS} - unread - images == {*STILL, *STACK, *FILM}


def test_an_image_whose_name_ends_as_masks_for_cellprofiler_has_its_own(
    user, cells, tmp_path
):
    first, second = user.open(cells("a.tif"), cells("a_cellprofiler.tif"))
    labels = np.zeros((96, 128), np.uint32)
    labels[5:20, 5:20] = 1
    path = exported(first.source.path, labels, "tif", tmp_path / "out")
    user.open(path.rename(path.with_name("a_cellprofiler_masks.tif")))
    assert [len(image.label_sets) for image in (first, second)] == [0, 1]


def test_the_masks_that_an_image_has_stay(user, cells, tmp_path):
    path = cells("work/a.tif")
    mine = np.zeros((96, 128), np.uint16)
    mine[5:20, 5:20] = 1
    tifffile.imwrite(path.with_name("a_masks.tif"), mine)
    [image] = user.open(path)
    theirs = exported(
        path, mine.T[:96, :96].repeat(2, 1)[:, :128], "rois", tmp_path / "o"
    )
    user.open(theirs)
    assert (image.active, sorted(image.label_sets)) == ("masks", ["masks", "rois"])


def test_two_open_images_of_that_name_are_no_guess(user, cells, tmp_path):
    paths = [cells("day1/a.tif"), cells("day2/a.tif")]
    images = user.open(*paths)
    labels = np.zeros((96, 128), np.uint32)
    labels[5:20, 5:20] = 1
    user.open(exported(paths[0], labels, "geojson", tmp_path / "out"))
    assert [len(image.label_sets) for image in images] == [0, 0]
    assert "no image beside it" in user.message
