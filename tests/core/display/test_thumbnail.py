from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellpose_studio.core.display.channel_display import auto_limits, channel_colours
from cellpose_studio.core.display.composite import Channel, composite
from cellpose_studio.core.display.label_picture import colour_of, palette
from cellpose_studio.core.display.thumbnail import (
    image_thumbnail,
    label_thumbnail,
    sample_plane,
)
from cellpose_studio.core.masks.snapshot import Snapshot
from tests.images import image_of


def stripes(dtype, low, high):
    """Return an image (1, 1, 1, 10, 20): dark on the left, bright on the right."""
    pixels = np.full((1, 1, 1, 10, 20), low, dtype)
    pixels[..., 10:] = high
    return pixels


def colour(cell):
    return np.round(palette()[colour_of(cell) - 1] * 255).astype(np.uint8).tolist()


def test_cells_have_the_colours_that_they_have_in_pictures():
    labels = np.zeros((40, 60), np.uint32)
    labels[10:20, 10:20], labels[25:35, 30:50] = 7, 2**32 - 1
    thumbnail = label_thumbnail(Snapshot(labels))
    assert (thumbnail.shape, thumbnail.dtype) == ((40, 60, 3), np.uint8)
    assert thumbnail[0, 0].tolist() == [0, 0, 0]
    for y in (10, 15, 19):  # with the outline, which is no colour of its own
        assert thumbnail[y, 15].tolist() == colour(7)
    assert thumbnail[30, 40].tolist() == colour(2**32 - 1)


@pytest.mark.parametrize(
    ("shape", "place"), [((5, 8, 9), (2,)), ((4, 6, 8, 9), (0, 3)), ((8, 9), ())]
)
def test_of_a_stack_it_is_the_middle_plane_at_first(shape, place):
    labels = np.zeros(shape, np.uint32)
    labels[place] = 5
    assert label_thumbnail(Snapshot(labels))[4, 4].tolist() == colour(5)
    labels[...] = 5
    labels[place] = 0
    assert not label_thumbnail(Snapshot(labels)).any()


def test_small_cells_of_a_large_image_leave_their_traces():
    y, x = np.indices((2400, 2400))
    labels = np.where((y % 31 < 15) & (x % 31 < 15), 1, 0).astype(np.uint32)
    thumbnail = label_thumbnail(Snapshot(labels))
    expected = np.array(colour(1)) * (15 / 31) ** 2
    np.testing.assert_allclose(thumbnail.mean(axis=(0, 1)), expected, rtol=0.15)


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 128))
def test_the_ratio_of_the_sides_is_kept_within_the_size(height, width, size):
    labels = np.ones((height, width), np.uint32)
    thumbnail = label_thumbnail(Snapshot(labels), size)
    longest = max(height, width)
    assert max(thumbnail.shape[:2]) == min(size, longest)
    assert abs(thumbnail.shape[0] - height * min(1, size / longest)) <= 1
    assert abs(thumbnail.shape[1] - width * min(1, size / longest)) <= 1
    assert (thumbnail == colour(1)).all()
    shown = image_thumbnail(image_of(np.ones((1, 1, 1, height, width), "u1")), size)
    assert shown.shape == thumbnail.shape


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [("u1", 3, 7), ("<u2", 100, 4000), ("i2", -5, 5), ("f4", 1e-3, 2e-3), ("f8", 0, 9)],
)
def test_one_channel_is_grey_from_its_darkest_to_its_brightest(dtype, low, high):
    thumbnail = image_thumbnail(image_of(stripes(dtype, low, high)))
    assert thumbnail[5, [0, 19]].tolist() == [[0, 0, 0], [255, 255, 255]]


def test_a_few_hot_pixels_do_not_darken_the_rest():
    pixels = stripes("u2", 100, 200)
    pixels = np.tile(pixels, (1, 1, 1, 10, 10))
    pixels[0, 0, 0, 50, 3] = 65_535
    assert image_thumbnail(image_of(pixels)).max(axis=(0, 2))[-1] == 255


def test_what_is_no_number_is_dark_and_changes_nothing_else():
    pixels = np.tile(stripes("f4", 1000, 2000), (1, 1, 1, 4, 1))
    expected = image_thumbnail(image_of(pixels.copy()))
    pixels[0, 0, 0, :8] = np.nan
    pixels[0, 0, 0, 8, :5], pixels[0, 0, 0, 8, 5:] = np.inf, -np.inf
    thumbnail = image_thumbnail(image_of(pixels))
    assert not thumbnail[:9].any()
    np.testing.assert_array_equal(thumbnail[9:], expected[9:])


def test_of_a_colour_picture_it_is_dark_too():
    pixels = np.full((1, 3, 1, 4, 4), 0.5, np.float32)
    pixels[..., 0, 0], pixels[..., 3, 3] = np.nan, np.inf
    thumbnail = image_thumbnail(image_of(pixels, rgb=True))
    assert not thumbnail[[0, 3], [0, 3]].any()
    assert (thumbnail[1:3] == 128).all()


def test_channels_with_colours_of_their_own_look_as_on_the_canvas():
    random = np.random.default_rng(0)
    pixels = random.integers(0, 4000, (1, 2, 1, 40, 60), np.uint16)
    image = image_of(pixels)
    colours = ((0.0, 0.0, 1.0), (1.0, 0.5, 0.0))
    image.reader.channel_colours = colours
    shown = composite(
        [
            Channel(
                pixels=pixels[0, channel, 0],
                limits=auto_limits(pixels[0, channel, 0]),
                colours=np.array(colour),
                blending="additive",
            )
            for channel, colour in enumerate(colours)
        ]
    )
    difference = image_thumbnail(image).astype(int) - shown
    # The canvas has 256 steps of each colour.
    assert abs(difference).max() <= 2


def test_channels_are_added_in_the_colours_of_the_canvas():
    pixels = np.zeros((1, 8, 1, 10, 80), np.uint16)
    for channel in range(8):
        pixels[0, channel, :, :, channel * 10 : channel * 10 + 10] = 50
    image = image_of(pixels)
    middles = image_thumbnail(image, 80)[5, 5::10] / 255
    expected = [*channel_colours(8)[:6], (0, 0, 0), (0, 0, 0)]
    np.testing.assert_array_equal(middles, expected)
    assert len(image.reader.asked) == 6


def test_a_colour_picture_looks_as_it_is():
    pixels = np.zeros((1, 3, 1, 4, 4), np.uint8)
    pixels[0, :, 0] = np.array([10, 20, 30])[:, None, None]
    assert image_thumbnail(image_of(pixels, rgb=True))[2, 2].tolist() == [
        10,
        20,
        30,
    ]
    wide = image_of(pixels.astype(np.uint16) * 257, rgb=True)
    assert image_thumbnail(wide)[2, 2].tolist() == [10, 20, 30]
    real = image_of((pixels / 255).astype(np.float32), rgb=True)
    assert image_thumbnail(real)[2, 2].tolist() == [10, 20, 30]


def test_only_the_middle_plane_of_the_first_time_point_is_read():
    image = image_of(np.zeros((3, 2, 5, 20, 30), np.uint8))
    image_thumbnail(image)
    one, whole = slice(0, 1), (slice(0, 20), slice(0, 30))
    assert image.reader.asked == [
        (one, slice(c, c + 1), slice(2, 3), *whole) for c in range(2)
    ]


odd = hnp.arrays(
    st.sampled_from(["f4", "f8", "i8", "u8"]),
    st.tuples(st.just(1), st.integers(1, 3), *[st.integers(1, 4)] * 3),
)


@given(odd, st.booleans())
def test_any_values_give_a_picture(pixels, rgb):
    thumbnail = image_thumbnail(image_of(pixels, rgb=rgb and pixels.shape[1] == 3))
    assert thumbnail.shape == (*pixels.shape[3:], 3)


def test_a_large_plane_is_sampled_band_by_band():
    pixels = np.random.default_rng(0).integers(0, 255, (1, 2, 1, 3100, 40), np.uint8)
    image = image_of(pixels)
    sample = sample_plane(image, 1, at_once=40 * 1000)
    np.testing.assert_array_equal(sample, pixels[0, 1, 0, ::3, ::3])
    assert len(image.reader.asked) == 4
