"""Statistics of pixels of which some are no number, and rounding far from 0."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.core.images.intensities import as_float32, limits, non_finite

NO_NUMBERS = (np.nan, np.inf, -np.inf)


def test_limits_are_those_of_the_numbers():
    values = np.arange(101.0)
    assert limits(values, (1, 99)) == (1.0, 99.0)
    with_others = np.concatenate([np.repeat(NO_NUMBERS, 50), values])
    assert limits(with_others, (1, 99)) == (1.0, 99.0)


@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("size", [1, 2, 7, 1000, 10_007])
def test_limits_of_whole_numbers_are_those_of_numpy(dtype, size):
    random = np.random.default_rng(size)
    for most in (1, 200, np.iinfo(dtype).max):
        pixels = random.integers(0, most, (size, 1), dtype, endpoint=True)
        for percentiles in ((0, 100), (1, 99), (0.35, 99.65), (33.3, 50)):
            expected = np.percentile(pixels.astype(np.float64), percentiles)
            np.testing.assert_allclose(limits(pixels, percentiles), expected, 1e-12)


def test_without_a_number_the_limits_are_zero():
    assert limits(np.full((3, 3), np.nan), (1, 99)) == (0.0, 0.0)


@pytest.mark.parametrize("dtype", ["?", "u1", "i8"])
def test_whole_numbers_are_numbers(dtype):
    assert non_finite(np.ones((2, 2), dtype)) is None


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_a_single_pixel_is_found(value):
    pixels = np.zeros((3, 4), np.float32)
    assert non_finite(pixels) is None
    pixels[1, 2] = value
    assert np.argwhere(non_finite(pixels)).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("dtype", "base"),
    [("i8", 2**40), ("i8", -(2**62)), ("u8", 2**63), ("i4", 2**30), ("f8", 1e10)],
)
def test_neighbours_far_from_zero_stay_apart(dtype, base):
    pixels = np.arange(40, dtype=dtype) + np.dtype(dtype).type(base)
    near, offset = as_float32(pixels)
    np.testing.assert_array_equal(np.diff(near), np.ones(39))
    assert offset == pytest.approx(base)
    assert near.dtype == np.float32


def test_what_lies_elsewhere_stays_there():
    pixels = np.arange(100) + 2**40
    pixels[:2] = np.iinfo(np.int64).min, 0
    near, _ = as_float32(pixels)
    assert near[0] < near[1] < -(2.0**39)
    assert (np.diff(near[2:]) == 1).all()


@pytest.mark.parametrize("dtype", ["u1", "i2", "f2", "f4", "i4", "u4", "i8", "f8"])
def test_other_values_are_rounded_only(dtype):
    pixels = np.random.default_rng(0).normal(100, 20, (50, 60)).astype(dtype)
    rounded, offset = as_float32(pixels)
    assert offset == 0
    np.testing.assert_array_equal(rounded, pixels.astype(np.float32))
    assert not np.shares_memory(rounded, pixels)


def test_a_constant_image_is_rounded_only():
    assert as_float32(np.full((4, 4), 1e10)) == (
        pytest.approx(np.full((4, 4), 1e10)),
        0,
    )
