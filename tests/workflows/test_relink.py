"""Finding images again: by what is in the file, never by its name alone."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tifffile

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.workflows.relink import LostImage, find_lost, is_replaced


@pytest.fixture
def image(tmp_path):
    """Return a function that writes an image of its own kind and opens it."""

    def write(name, seed=0, shape=(32, 32)):
        path = tmp_path / "old" / name
        path.parent.mkdir(exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 255, shape, np.uint8)
        tifffile.imwrite(path, pixels, photometric="minisblack")
        return open_images(path, "TYX" if len(shape) == 3 else None)[0]

    return write


@pytest.fixture
def new(tmp_path):
    folder = tmp_path / "new"
    (folder / "deep" / "er").mkdir(parents=True)
    return folder


def find(folder, *images, taken=(), axes=None):
    lost = [LostImage(image, axes) for image in images]
    return find_lost(folder, lost, Checkpoint(), taken)


def paths(found):
    return [image and image.path for image in found]


def test_an_image_that_was_moved_is_found_below_the_folder(image, new):
    lost = image("a.tif")
    moved = shutil.move(lost.path, new / "deep" / "er" / "a.tif")
    [found] = find(new, lost)
    assert found.path == moved
    assert (found.shape, found.fingerprint) == (lost.shape, lost.fingerprint)
    assert found.plane(0, 0, 0).shape == (32, 32)


def test_an_image_that_was_renamed_is_found(image, new):
    lost = image("a.tif")
    shutil.move(lost.path, new / "deep" / "renamed.TIFF")
    assert paths(find(new, lost)) == [new / "deep" / "renamed.TIFF"]


def test_another_image_of_the_same_name_is_never_taken(image, new):
    lost, other = image("a.tif"), image("b.tif", seed=1)
    shutil.move(other.path, new / "a.tif")
    lost.path.unlink()
    assert find(new, lost) == [None]


def test_the_order_is_that_of_what_was_lost(image, new):
    lost = [image(f"{n}.tif", seed=n) for n in range(4)]
    for one in (lost[2], lost[0], lost[3]):
        shutil.move(one.path, new / one.path.name)
    found = [new / "0.tif", None, new / "2.tif", new / "3.tif"]
    assert paths(find(new, *lost)) == found


def test_of_files_alike_each_goes_to_the_image_of_its_name(image, new):
    lost = [image(name) for name in ("a.tif", "b.tif", "c.tif")]
    for name in ("a.tif", "c.tif", "z.tif"):
        shutil.copy(lost[0].path, new / name)
    found = paths(find(new, *lost))
    assert found == [new / "a.tif", new / "z.tif", new / "c.tif"]


def test_a_file_that_another_image_has_already_is_left_to_it(image, new):
    lost = image("a.tif")
    copy = open_images(shutil.copy(lost.path, new / "a.tif"))[0]
    assert find(new, lost, taken=[copy.key]) == [None]


def test_the_axes_that_the_user_said_are_kept(image, new):
    lost = image("stack.tif", shape=(7, 32, 32))
    shutil.move(lost.path, new / "stack.tif")
    [found] = find(new, lost, axes="TYX")
    assert found.shape == (7, 1, 1, 32, 32)
    # Without them nobody knows what the stack is.
    assert find(new, lost) == [None]


def test_scenes_of_one_file_are_found_together(new, shared_data, tmp_path):
    source = shared_data / "formats" / "mouse_embryo_16cell_v04.ome.zarr"
    shutil.copytree(source, tmp_path / "a.ome.zarr")
    lost = open_images(tmp_path / "a.ome.zarr")
    shutil.move(tmp_path / "a.ome.zarr", new / "deep" / "b.ome.zarr")
    found = find(new, *lost)
    assert paths(found) == [new / "deep" / "b.ome.zarr"] * len(lost)
    assert [i.scene for i in found] == [i.scene for i in lost]


def test_files_that_are_no_images_do_no_harm(image, new):
    lost = image("a.tif")
    (new / "a.tif").write_bytes(b"II*\0 and then nonsense")
    (new / "notes.txt").write_text("a.tif")
    (new / "deep" / "empty.png").touch()
    shutil.move(lost.path, new / "deep" / "b.tif")
    assert paths(find(new, lost)) == [new / "deep" / "b.tif"]


def test_the_search_can_be_stopped(image, new):
    checkpoint = Checkpoint()
    checkpoint.stop()
    with pytest.raises(Cancelled):
        find_lost(new, [LostImage(image("a.tif"))], checkpoint)


def test_a_file_is_uncertaintyed_when_it_has_changed_or_gone(image):
    kept, changed, gone = (image(f"{n}.tif", seed=n) for n in range(3))
    shutil.copy(kept.path, changed.path)
    gone.path.unlink()
    assert [is_replaced(i) for i in (kept, changed, gone)] == [False, True, True]
