"""The image to try the application on."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.images.sample import SHAPE, draw_nuclei, sample_path
from cellpose_studio.paths import data_dir


@pytest.fixture(scope="module")
def drawn():
    return draw_nuclei()


def test_the_sample_is_an_image_that_opens(drawn):
    path = sample_path()
    # Masks are exported beside it, so it lies where the user may write.
    assert path.is_relative_to(data_dir())
    [image] = open_images(path)
    assert image.label_shape == SHAPE
    assert (image.channels, image.rgb, image.dtype) == (1, False, np.uint16)
    assert image.pixel_size_um[1:] == pytest.approx((0.325, 0.325), rel=1e-4)
    np.testing.assert_array_equal(image.plane(0, 0, 0), drawn[0])
    written = path.stat().st_mtime_ns
    assert sample_path() == path
    assert path.stat().st_mtime_ns == written


def test_the_sample_looks_like_nuclei_and_is_always_the_same(drawn):
    pixels, masks = drawn
    for again, first in zip(draw_nuclei(), drawn, strict=True):
        np.testing.assert_array_equal(again, first)
    ids, sizes = np.unique(masks[masks > 0], return_counts=True)
    assert len(ids) == masks.max() == 80
    assert 20 < 2 * np.sqrt(np.median(sizes) / np.pi) < 32
    # Each is brighter than what is around it, and none is saturated.
    assert np.median(pixels[masks > 0]) > 1.5 * np.median(pixels[masks == 0])
    assert pixels.max() < 65535


def test_nuclei_of_the_sample_touch_each_other(drawn):
    _, masks = drawn
    beside = (masks[:, 1:] != masks[:, :-1]) & (masks[:, 1:] > 0) & (masks[:, :-1] > 0)
    pairs = np.stack([masks[:, 1:][beside], masks[:, :-1][beside]])
    assert 10 < len(np.unique(np.sort(pairs, 0), axis=1).T) < 80
