"""What comes of opening files, masks and folders."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.errors import ImageUnreadable, MasksUnreadable
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.workflows.open import (
    files_of,
    images_of,
    label_set_name,
    masks_for,
    open_files,
)


def opened(*paths, checkpoint=None, axes=None):
    files, failures = files_of(paths)
    result = open_files(files, checkpoint or Checkpoint(), axes)
    result.failures[:0] = failures
    return result


def shown(result):
    """Return the names of the images with those of their label sets."""
    return [(image.name, sorted(sets)) for image, sets in result.images]


@pytest.fixture
def masks(tmp_path):
    """Return a function that writes masks of 32 × 32 pixels."""

    def write(name, shape=(32, 32)):
        path = tmp_path / name
        tifffile.imwrite(path, np.ones(shape, np.uint16), photometric="minisblack")
        return path

    return write


@pytest.fixture
def unsaid(tmp_path):
    """A file that does not say which axis is which."""
    path = tmp_path / "unsaid.tif"
    pixels = np.zeros((6, 32, 32), np.uint16)
    tifffile.imwrite(path, pixels, photometric="minisblack", metadata=None)
    return path


def test_a_folder_gives_its_images_with_their_masks(cells, masks, tmp_path):
    for name in ("b10.tif", "b9.tif"):
        cells(name, (32, 32))
    for name in ("b9_masks.tif", "b9_cp_masks.tif", "b10_cp_masks.TIF", "b9_flows.tif"):
        masks(name)
    result = opened(tmp_path)
    assert shown(result) == [
        ("b9.tif", ["cp_masks", "masks"]),
        ("b10.tif", ["cp_masks"]),
    ]
    assert result.failures == result.questions == []
    [(image, sets)] = [pair for pair in result.images if pair[0].name == "b10.tif"]
    assert sets["cp_masks"].labels.shape == image.label_shape


def test_an_image_brings_the_masks_beside_it(cells, masks):
    path = cells("a.tif", (32, 32))
    masks("a_masks.tif")
    masks("ab_masks.tif")
    assert shown(opened(path)) == [("a.tif", ["masks"])]


def test_masks_bring_their_image(cells, masks):
    path = cells("a.tif", (32, 32))
    wanted = masks("a_cp_masks.tif")
    assert shown(opened(wanted, path)) == [("a.tif", ["cp_masks"])]


def test_masks_without_an_image_are_one(masks):
    assert shown(opened(masks("a_masks.tif"))) == [("a_masks.tif", [])]


def test_what_is_named_twice_is_opened_once(cells):
    path = cells("a.tif", (32, 32))
    assert shown(opened(path, path.parent, path)) == [("a.tif", [])]


def test_a_file_that_fails_does_not_keep_the_others_from_being_opened(cells, tmp_path):
    (tmp_path / "bad.tif").write_bytes(b"II*\0")
    (tmp_path / "empty").mkdir()
    good = cells("good.tif", (32, 32))
    gone = tmp_path / "gone.tif"
    result = opened(tmp_path / "bad.tif", gone, tmp_path / "empty", good)
    assert shown(result) == [("good.tif", [])]
    assert sorted(map(str, result.failures)) == [
        "There are no images in empty. Images are TIFF, PNG, JPEG, OME-Zarr and "
        "microscope files.",
        "bad.tif is damaged or incomplete. Copy or export it again.",
        f"gone.tif does not exist in {tmp_path}. It may have been moved.",
    ]


def test_a_folder_that_cannot_be_read_does_not_either(cells, tmp_path, monkeypatch):
    path = cells("a.tif", (32, 32))

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    # Whoever may read everything, as in a container, is never refused.
    monkeypatch.setattr("os.scandir", refuse)
    result = opened(tmp_path, path)
    assert shown(result) == [("a.tif", [])]
    [failure] = result.failures
    assert "cannot be read: Permission denied." in str(failure)


def test_masks_that_do_not_fit_are_told_and_the_image_opens(cells, masks):
    path = cells("a.tif", (32, 32))
    masks("a_masks.tif", (16, 16))
    result = opened(path)
    assert shown(result) == [("a.tif", [])]
    [failure] = result.failures
    assert isinstance(failure, MasksUnreadable)
    assert "a_masks.tif has the shape (16, 16), but a.tif needs (32, 32)" in str(
        failure
    )


def test_a_file_of_unknown_axes_is_a_question(cells, unsaid):
    result = opened(unsaid, cells("a.tif", (32, 32)))
    assert shown(result) == [("a.tif", [])]
    [question] = result.questions
    assert (question.path, question.guess) == (unsaid, "ZYX")
    [(image, _)] = opened(unsaid, axes="TYX").images
    assert (image.frames, image.planes) == (6, 1)


def test_masks_of_a_file_of_several_scenes_are_left_out(masks, tmp_path):
    path = tmp_path / "two.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as tiff:
        for _ in range(2):
            tiff.write(np.zeros((32, 32), np.uint16), metadata={"axes": "YX"})
    masks("two.ome_masks.tif")
    assert [sets for _, sets in shown(opened(path))] == [[], []]


def test_opening_is_reported_and_can_be_stopped(cells, tmp_path):
    for name in "abc":
        cells(f"{name}.tif", (32, 32))
    steps = []

    def stop_at_the_second(*step):
        steps.append(step)
        if step[0] == 1:
            checkpoint.stop()

    checkpoint = Checkpoint(stop_at_the_second)
    with pytest.raises(Cancelled):
        opened(tmp_path, checkpoint=checkpoint)
    assert steps == [(0, 3, "opening"), (1, 3, "opening")]


def test_a_path_stands_for_its_images(cells, masks, tmp_path):
    path = cells("a.tif", (32, 32))
    wanted = masks("a_masks.tif")
    for given in (tmp_path, path, wanted):
        [entry] = images_of(given)
        assert (entry.image, entry.masks) == (path, (wanted,))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageUnreadable, match="There are no images in empty"):
        images_of(tmp_path / "empty")


def test_masks_can_be_read_for_an_image(cells, masks):
    [image] = open_images(cells("a.tif", (32, 32)))
    assert masks_for(image, masks("others.tif")).labels.shape == (32, 32)
    with pytest.raises(MasksUnreadable, match=r"others\.tif has the shape \(2, 32"):
        masks_for(image, masks("others.tif", (2, 32, 32)))


@pytest.mark.parametrize(
    ("name", "label_set"),
    [
        ("a_cp_masks.tif", "cp_masks"),
        ("a_seg.npy", "seg"),
        ("a_masks.png", "masks"),
        ("others.tif", "others"),
        ("a.png", "a"),
    ],
)
def test_label_sets_are_named_after_their_files(cells, tmp_path, name, label_set):
    [image] = open_images(cells("a.tif", (32, 32)))
    assert label_set_name(tmp_path / name, image) == label_set
