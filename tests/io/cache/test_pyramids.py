"""Levels are means of the pixels, are found again, and are made anew where they go."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import zarr

from cellpose_studio.io.cache.pyramids import Pyramid, PyramidSizes
from tests.images import image_of

CUT = {"tile": 16, "block": 32, "base": 16, "part": 1}
SIZES = PyramidSizes(**CUT)


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 60000, shape).astype(np.uint16)


def built(pyramid: Pyramid, c: int = 0, z: int = 0) -> np.ndarray:
    base = pyramid.empty_base()
    left = list(pyramid.build(0, [c], z, [base]))
    assert left == [*range(pyramid.parts)][::-1]
    return base


def means(plane: np.ndarray, factor: int) -> np.ndarray:
    """Return means of squares; the last row and column count as often as needed."""
    more = [(0, -n % factor) for n in plane.shape]
    plane = np.pad(plane.astype(float), more, "edge")
    y, x = (n // factor for n in plane.shape)
    return plane.reshape(y, factor, x, factor).mean(axis=(1, 3))


def test_levels_are_means_and_are_found_again_without_the_image(tmp_path):
    image = image_of(pixels(1, 2, 3, 75, 110))
    pyramid = Pyramid(image, tmp_path, SIZES)
    assert pyramid.factors == [1, 2, 4, 8]
    base = built(pyramid, 1, 2)
    plane = image.reader.pixels[0, 1, 2]
    np.testing.assert_allclose(base[:9, :13], means(plane, 8)[:9, :13], atol=2)
    assert not pyramid.is_done((0, 0, 2))
    # Whoever reads Zarr reads the levels.
    level = zarr.open_array(next(tmp_path.iterdir()) / "2", mode="r")
    np.testing.assert_allclose(level[0, 1, 2][:37], means(plane, 2)[:37], atol=1)

    image.reader.asked.clear()
    again = Pyramid(image, tmp_path, SIZES)
    assert again.is_done((0, 1, 2))
    np.testing.assert_array_equal(built(again, 1, 2), base)
    tile = again.tile((0, 1, 2), 4, 1, 1)
    # The last ones are means of fewer pixels.
    wanted = means(plane, 4)[16:18, 16:27]
    np.testing.assert_allclose(tile[:-1, :-1], wanted, atol=1.5)
    assert image.reader.asked == []


@pytest.mark.parametrize("gone", ["no room", "cleared"])
def test_without_stored_levels_tiles_are_made_of_the_image(tmp_path, gone):
    sizes = SIZES if gone == "cleared" else PyramidSizes(**CUT, budget=10)
    image = image_of(pixels(1, 1, 1, 64, 64))
    pyramid = Pyramid(image, tmp_path, sizes)
    base = built(pyramid)
    if gone == "cleared":
        shutil.rmtree(tmp_path)
    else:
        assert [*tmp_path.iterdir()] == []
    plane = image.reader.pixels[0, 0, 0]
    np.testing.assert_allclose(base, means(plane, 4), atol=1.5)
    for factor in (1, 2):
        tile = pyramid.tile((0, 0, 0), factor, 1, 0)
        wanted = means(plane, factor)[16:32, :16]
        np.testing.assert_allclose(tile, wanted, atol=1)


def test_the_least_recently_used_pyramids_go(tmp_path):
    kept = PyramidSizes(**CUT, budget=30_000)
    images = [image_of(pixels(1, 1, 1, 128, 128), fingerprint=f"{n}") for n in "abc"]
    for image in images:
        built(Pyramid(image, tmp_path, kept))
    assert len([*tmp_path.iterdir()]) < 3
    assert Pyramid(images[-1], tmp_path, kept).is_done((0, 0, 0))


def test_a_sample_has_pixels_of_all_over_the_plane(tmp_path):
    image = image_of(pixels(1, 1, 1, 50, 70))
    sample = Pyramid(image, tmp_path, SIZES).sample((0, 0, 0), side=2, window=10)
    plane = image.reader.pixels[0, 0, 0]
    np.testing.assert_array_equal(
        sample, plane[np.r_[0:10, 40:50]][:, np.r_[0:10, 60:70]]
    )
