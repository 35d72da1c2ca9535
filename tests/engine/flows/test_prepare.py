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


@pytest.fixture
def broken(pixels) -> np.ndarray:
    """The pixels as numbers far from 0, with a rim and single pixels of none."""
    pixels = 20000 + pixels.astype(np.float32)
    pixels[:, :, :3] = np.nan
    pixels[:, :, 3, 5] = np.inf
    pixels[:, :, 4, 7] = -np.inf
    return pixels


@pytest.mark.parametrize("together", [False, True])
def test_what_is_no_number_takes_part_in_no_percentile_and_is_dark(broken, together):
    stack = seen(broken, together=together)
    known = np.isfinite(broken[0])
    assert not stack[~known, 0].any()
    for z in range(4):
        part = broken[0] if together else broken[0, z]
        low, high = np.percentile(part[np.isfinite(part)], (1, 99))
        expected = (broken[0, z] - low) / (high - low)
        np.testing.assert_allclose(stack[z, known[z], 0], expected[known[z]], atol=1e-5)


def test_it_is_dark_among_inverted_pixels_too(broken):
    known = np.isfinite(broken[0])
    stack = seen(broken, invert=True)
    assert not stack[~known, 0].any()
    np.testing.assert_allclose(stack[known], 1 - seen(broken)[known], atol=1e-6)


def test_a_pixel_of_the_mean_of_channels_is_known_if_all_of_them_are(broken):
    broken[1, :, 30:] = np.nan
    stack = seen(broken, (0,))
    known = np.isfinite(broken).all(axis=0)
    assert not stack[~known, 0].any()
    assert np.percentile(stack[0, known[0], 0], 99) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(
    "options",
    [{"sharpen_radius": 4.0}, {"smooth_radius": 2.0}, {"tile_norm_blocksize": 20}],
    ids=str,
)
def test_filters_and_tiles_do_not_spread_what_is_no_number(
    broken, pixels, options, together
):
    whole = 20000 + pixels.astype(np.float32)
    stack = seen(broken, (1, 2), together, **options)
    assert np.isfinite(stack).all()
    assert not stack[~np.isfinite(broken[0]), 0].any()
    # Far from the holes, pixels look as without them.
    inside = (slice(None), slice(15, -15), slice(5, -5))
    away = stack[inside] - seen(whole, (1, 2), together, **options)[inside]
    assert np.abs(away).mean() < 0.05


def test_a_plane_without_a_number_is_empty(broken):
    broken[:, 1] = np.nan
    for together in (False, True):
        for options in ({}, {"tile_norm_blocksize": 20}, {"smooth_radius": 1.0}):
            stack = seen(broken, (1, None), together, **options)
            assert np.isfinite(stack).all()
            assert not stack[1].any()
            assert stack[0].any()


def test_without_normalisation_it_is_zero(broken):
    stack = network_input((1,), broken, PLAIN, together=False)[..., 0]
    known = np.isfinite(broken[0])
    np.testing.assert_array_equal(stack[known], broken[0][known])
    assert not stack[~known].any()


@pytest.mark.parametrize("channels", [(1,), (0,), (2, 1)])
@pytest.mark.parametrize(
    ("dtype", "base"), [("i8", 2**40), ("u8", 2**63), ("i4", -(2**30)), ("f8", 1e10)]
)
def test_contrast_far_from_zero_is_kept(pixels, dtype, base, channels):
    """The contrast there, 1 or 2, is finer than 32-bit floats are."""
    near = (pixels // 256).astype(dtype)
    far = near + np.dtype(dtype).type(base)
    assert len(np.unique(far[0].astype(np.float32))) < len(np.unique(near[0]))
    np.testing.assert_allclose(seen(far, channels), seen(near, channels), atol=1e-5)


def test_empty_pixels_do_not_hide_what_lies_far_from_zero(pixels):
    near = (pixels // 256).astype(np.int64)
    far = near + 2**40
    far[:, :, :2] = 0
    expected = seen(near[:, :, 2:])
    stack = seen(far, percentile=(5.0, 99.0))[:, 2:]
    assert np.corrcoef(stack.ravel(), expected.ravel())[0, 1] > 0.9999
    assert np.percentile(stack, 98) > 0.9


@pytest.mark.parametrize("dtype", ["u4", "i4", "i8", "u8", "f4", "f8"])
@pytest.mark.parametrize("channels", [(1,), (0,)])
def test_ordinary_numbers_are_rounded_as_ever(pixels, dtype, channels):
    values = (pixels * 3.7).astype(dtype)
    start = values[:1] if channels == (1,) else values
    start = start.mean(axis=0, dtype=np.float32)[..., None]
    expected = [transforms.normalize_img(plane.copy()) for plane in start]
    np.testing.assert_array_equal(seen(values, channels), np.stack(expected))


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
