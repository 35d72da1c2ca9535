"""Files in which a program wrote page by page."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cellpose_studio.core.errors import AxesAmbiguous, ImageUnreadable
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.images.referenced import ReferencedPixels


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 999, (7, 20, 30)).astype(np.uint16)


@pytest.fixture(params=["tifffile", "one writer", "imageio"])
def path(request, tmp_path, pixels):
    """A file with the planes, as several programs write it."""
    path = tmp_path / "a.tif"
    if request.param == "imageio":
        pytest.importorskip("imageio.v2").mimwrite(path, list(pixels))
    elif request.param == "tifffile":
        for n, plane in enumerate(pixels):
            tifffile.imwrite(path, plane, append=n > 0)
    else:
        with tifffile.TiffWriter(path) as writer:
            for plane in pixels:
                writer.write(plane, compression="zlib")
    return path


def test_pages_may_be_the_planes_of_a_stack(path, pixels):
    with pytest.raises(AxesAmbiguous) as asked:
        open_images(path)
    question = asked.value.question
    assert question.guess == "ZYX"
    assert question.shape == (7, 20, 30)
    assert ("TYX", "7 time points") in question.choices
    for axes, shape in {"ZYX": (1, 1, 7), "tyx": (7, 1, 1), "CYX": (1, 7, 1)}.items():
        [image] = open_images(path, axes)
        assert image.shape == (*shape, 20, 30)
        whole = image.reader.read(tuple(slice(0, n) for n in image.shape))
        np.testing.assert_array_equal(whole.reshape(pixels.shape), pixels)
    [image] = open_images(path, "ZYX")
    np.testing.assert_array_equal(image.plane(0, 0, 3), pixels[3])


def test_axes_that_do_not_fit_the_pages_are_refused(path):
    with pytest.raises(ImageUnreadable, match="cannot be TZYX"):
        open_images(path, "TZYX")


@pytest.fixture
def apart(tmp_path, pixels):
    path = tmp_path / "apart.tif"
    for n, plane in enumerate(pixels):
        tifffile.imwrite(path, plane, append=n > 0)
    return path


def test_pages_may_be_images_of_their_own(apart, pixels):
    with pytest.raises(AxesAmbiguous) as asked:
        open_images(apart)
    assert asked.value.question.choices[-1] == ("YX", "7 images of their own")
    images = open_images(apart, "YX")
    assert [image.scene for image in images] == [f"Image {n}" for n in range(1, 8)]
    for image, plane in zip(images, pixels, strict=True):
        np.testing.assert_array_equal(image.plane(0, 0, 0), plane)


def test_a_project_from_before_finds_its_image(apart, pixels):
    """It was not asked what the pages are; each was an image."""
    second = open_images(apart, "YX")[1]
    kept = ReferencedPixels(apart, second.scene, None, second.shape, second.fingerprint)
    whole = tuple(slice(0, n) for n in second.shape)
    np.testing.assert_array_equal(kept.read(whole)[0, 0, 0], pixels[1])


def test_pages_of_different_sizes_are_images(tmp_path):
    for n in range(3):
        tifffile.imwrite(tmp_path / "a.tif", np.ones((9, 8 + n)), append=n > 0)
    assert len(open_images(tmp_path / "a.tif")) == 3


def test_pages_in_colour_stay_in_colour(tmp_path):
    colours = np.random.default_rng(0).integers(0, 255, (4, 20, 30, 3)).astype("u1")
    for n, plane in enumerate(colours):
        tifffile.imwrite(tmp_path / "a.tif", plane, append=n > 0, photometric="rgb")
    [image] = open_images(tmp_path / "a.tif", "ZYXS")
    assert image.rgb
    seen = image.volume(0, range(3))
    np.testing.assert_array_equal(seen, np.moveaxis(colours, -1, 0))
