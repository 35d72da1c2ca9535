"""What the network sees, against what Cellpose would make of the same pixels."""

from __future__ import annotations

import numpy as np
import pytest
from cellpose import transforms

from cellpose_studio.core.runs.parameters import Normalization
from cellpose_studio.engine.flows.prepare import network_input

PLAIN = Normalization(normalize=False)


@pytest.fixture
def pixels() -> np.ndarray:
    """Three channels of four planes that get darker with depth, (C, Z, Y, X)."""
    rng = np.random.default_rng(8)
    depth = np.array([1.0, 0.8, 0.5, 0.3])[:, None, None]
    bright = rng.gamma(2.0, 300.0, size=(3, 4, 50, 40)) * depth + 100
    return bright.astype(np.uint16)


def seen(pixels, channels=(1,), together=False, **options) -> np.ndarray:
    return network_input(channels, pixels, Normalization(**options), together)


def test_each_input_sees_the_channel_that_was_chosen(pixels):
    stack = network_input((3, None, 1), pixels, PLAIN, together=False)
    assert stack.dtype == np.float32
    np.testing.assert_array_equal(stack[..., 0], pixels[2])
    assert not stack[..., 1].any()
    np.testing.assert_array_equal(stack[..., 2], pixels[0])


def test_grey_is_the_mean_of_all_channels(pixels):
    stack = network_input((0,), pixels, PLAIN, together=False)
    np.testing.assert_allclose(stack[..., 0], pixels.mean(axis=0), rtol=1e-6)


@pytest.mark.parametrize("percentile", [(1.0, 99.0), (0.0, 90.0)])
def test_planes_are_scaled_by_their_own_percentiles(pixels, percentile):
    stack = seen(pixels, (2, 1), percentile=percentile)
    for z in range(4):
        for n, channel in enumerate((1, 0)):
            expected = transforms.normalize99(pixels[channel, z], *percentile)
            np.testing.assert_allclose(stack[z, ..., n], expected, atol=1e-6)
    assert np.percentile(stack[3, ..., 0], percentile[1]) == pytest.approx(1, abs=1e-4)


def test_a_volume_is_scaled_by_the_percentiles_of_all_its_planes(pixels):
    stack = seen(pixels, together=True)
    expected = transforms.normalize99(pixels[0])
    np.testing.assert_allclose(stack[..., 0], expected, atol=1e-6)
    assert np.percentile(stack[3], 99) < 0.5


def test_a_single_plane_is_the_same_together_and_alone(pixels):
    one = pixels[:, :1]
    np.testing.assert_array_equal(seen(one, together=True), seen(one, together=False))
    np.testing.assert_array_equal(seen(one), seen(pixels)[:1])


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"sharpen_radius": 4.0},
        {"smooth_radius": 2.0},
        {"sharpen_radius": 6.0, "smooth_radius": 1.5, "percentile": (3.0, 98.0)},
        {"tile_norm_blocksize": 20},
        {"invert": True},
    ],
    ids=str,
)
def test_filters_and_tiles_are_cellposes(pixels, options, together):
    stack = seen(pixels, (1, 2), together, **options)
    start = pixels[:2].astype(np.float32).transpose(1, 2, 3, 0)
    if together:
        expected = transforms.normalize_img(start.copy(), norm3D=True, **options)
    else:
        expected = start.copy()
        for z, plane in enumerate(start):
            expected[z] = transforms.normalize_img(plane, norm3D=False, **options)
    np.testing.assert_allclose(stack, expected, atol=1e-5)
    assert np.abs(stack - seen(pixels, (1, 2), together)).max() > 0.05


@pytest.mark.parametrize("norm3D", [True, False])
def test_tiles_of_a_single_plane_are_smoothed_as_in_cellpose(pixels, norm3D):
    options = {"tile_norm_blocksize": 20, "norm3D": norm3D}
    start = pixels[:1, :1].astype(np.float32).transpose(1, 2, 3, 0)
    expected = transforms.normalize_img(start, **options)
    np.testing.assert_allclose(seen(pixels[:, :1], **options), expected, atol=1e-5)


def test_dark_and_bright_change_places(pixels):
    np.testing.assert_allclose(seen(pixels, invert=True), 1 - seen(pixels), atol=1e-6)


def test_without_normalisation_pixels_stay_whatever_else_is_set(pixels):
    stack = seen(pixels, normalize=False, tile_norm_blocksize=20, sharpen_radius=5.0)
    np.testing.assert_array_equal(stack[..., 0], pixels[0])


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("invert", [False, True])
def test_an_input_without_contrast_is_zero(pixels, together, invert):
    pixels[0] = 1000
    stack = seen(pixels, (1, None, 2), together, invert=invert)
    assert not stack[..., :2].any()
    assert stack[..., 2].any()


def test_what_is_no_number_counts_as_zero():
    pixels = np.random.default_rng(0).random((1, 1, 30, 30), np.float32)
    empty = pixels.copy()
    pixels[0, 0, :3] = np.nan
    pixels[0, 0, 3] = np.inf
    pixels[0, 0, 4] = -np.inf
    empty[0, 0, :5] = 0
    np.testing.assert_array_equal(seen(pixels), seen(empty))


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "f4", "f8", "?", ">u2"])
@pytest.mark.parametrize("together", [False, True])
def test_the_image_itself_is_never_changed(pixels, dtype, together):
    pixels = (pixels % 200).astype(dtype)
    before = pixels.copy()
    for channel in (0, 1):
        for options in ({}, {"tile_norm_blocksize": 20}, {"normalize": False}):
            stack = seen(pixels, (channel,), together, **options)
            assert stack.dtype == np.float32
            stack += 1
    np.testing.assert_array_equal(pixels, before)
