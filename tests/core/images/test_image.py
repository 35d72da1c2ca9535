from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellpose_studio.core.images.image import ChannelPixels, ColourPixels, ImageSource
from tests.images import image_of


def numbered(
    shape: tuple[int, ...],
    pixel_size_um: tuple[float | None, float | None, float | None] = (None, None, None),
    scene: str = "",
) -> ImageSource:
    """An image in which every pixel has a value of its own."""
    return image_of(
        np.arange(np.prod(shape), dtype=np.uint32).reshape(shape),
        path=Path("plate") / "well.tif",
        pixel_size_um=pixel_size_um,
        scene=scene,
    )


shapes = st.tuples(*(st.integers(1, n) for n in (3, 3, 4, 6, 5)))


@st.composite
def channels_and_keys(draw):
    """A channel of an image, the array that it stands for, and an index into both."""
    image = numbered(draw(shapes))
    channel = draw(st.integers(0, image.channels - 1))
    whole = image.reader.pixels[:, channel].reshape(image.label_shape)
    key = draw(hnp.basic_indices(whole.shape, allow_ellipsis=True))
    return ChannelPixels(image, channel), whole, key


@given(channels_and_keys())
def test_a_channel_is_indexed_like_the_array_that_it_stands_for(drawn):
    pixels, whole, key = drawn
    np.testing.assert_array_equal(pixels[key], whole[key])
    assert np.shape(pixels[key]) == np.shape(whole[key])


@given(channels_and_keys())
def test_a_channel_looks_like_the_array_that_it_stands_for(drawn):
    pixels, whole, _ = drawn
    assert (pixels.shape, pixels.ndim) == (whole.shape, whole.ndim)
    assert (pixels.size, pixels.dtype) == (whole.size, whole.dtype)
    assert len(pixels) == len(whole)
    np.testing.assert_array_equal(np.asarray(pixels), whole)
    assert np.asarray(pixels, dtype=np.float32).dtype == np.float32


@given(shapes.map(lambda shape: (shape[0], 3, *shape[2:])), st.data())
def test_a_colour_picture_is_indexed_like_an_array_with_colours_last(shape, data):
    image = numbered(shape)
    pixels = ColourPixels(image)
    whole = np.moveaxis(image.reader.pixels, 1, -1).reshape(*image.label_shape, 3)
    key = data.draw(hnp.basic_indices(whole.shape, allow_ellipsis=True))
    assert (pixels.shape, pixels.size, len(pixels)) == (
        whole.shape,
        whole.size,
        len(whole),
    )
    np.testing.assert_array_equal(np.asarray(pixels), whole)
    np.testing.assert_array_equal(pixels[key], whole[key])


def test_one_plane_is_read_for_one_plane():
    image = numbered((4, 2, 5, 6, 7))
    ChannelPixels(image, 1)[2, -1]
    assert image.reader.asked == [
        (slice(2, 3), slice(1, 2), slice(4, 5), slice(0, 6), slice(0, 7))
    ]


def test_numpys_integers_are_indices_too():
    pixels = ChannelPixels(numbered((1, 1, 3, 2, 2)), 0)
    np.testing.assert_array_equal(pixels[np.int64(2)], np.asarray(pixels)[2])


@pytest.mark.parametrize("key", [3, -4, (0, 2), (0, 0, 2)])
def test_an_index_outside_is_refused(key):
    with pytest.raises(IndexError):
        ChannelPixels(numbered((1, 1, 3, 2, 2)), 0)[key]


def test_going_through_a_stack_ends():
    pixels = ChannelPixels(numbered((1, 1, 3, 2, 2)), 0)
    planes = [plane for plane, _ in zip(pixels, range(10), strict=False)]
    np.testing.assert_array_equal(planes, np.asarray(pixels))


@given(shapes, st.data())
def test_a_plane_and_a_volume_are_parts_of_the_image(shape, data):
    image = numbered(shape)
    t, c, z = (data.draw(st.integers(0, n - 1)) for n in shape[:3])
    chosen = data.draw(st.lists(st.integers(0, shape[1] - 1), min_size=1, max_size=3))
    whole = image.reader.pixels
    np.testing.assert_array_equal(image.plane(t, c, z), whole[t, c, z])
    np.testing.assert_array_equal(image.volume(t, chosen), whole[t, chosen])


@given(shapes)
def test_labels_have_the_axes_of_the_image_that_are_longer_than_one(shape):
    image = numbered(shape)
    t, _, z, y, x = shape
    assert len(image.label_shape) == 2 + (t > 1) + (z > 1)
    assert image.label_shape[-2:] == (y, x)
    assert np.prod(image.label_shape) == t * z * y * x
    assert len(image.label_scale) == len(image.label_shape)


def test_pixels_of_known_size_are_scaled():
    image = numbered((2, 1, 3, 4, 4), (2.0, 0.5, 0.25))
    assert image.label_scale == (1.0, 2.0, 0.5, 0.25)
    assert image.anisotropy == 4.0


def test_an_unknown_step_counts_as_the_pixel_size():
    image = numbered((1, 1, 3, 4, 4), (None, 0.5, None))
    assert image.label_scale == (0.5, 0.5, 0.5)
    assert image.anisotropy is None


def test_a_plane_has_no_anisotropy():
    assert numbered((1, 1, 1, 4, 4), (2.0, 0.5, 0.5)).anisotropy is None


def test_a_scene_is_part_of_the_name():
    assert numbered((1, 1, 1, 4, 4)).name == "well.tif"
    second = numbered((1, 1, 1, 4, 4), scene="Position 2")
    assert second.name == "well.tif [Position 2]"
    assert second.key != numbered((1, 1, 1, 4, 4)).key


def with_holes():
    """An image of floats from 100 up, its first pixels no numbers."""
    pixels = np.arange(120, dtype=np.float32).reshape(1, 3, 2, 4, 5) + 100
    pixels[..., 0, :3] = np.nan, np.inf, -np.inf
    return image_of(pixels), pixels


def test_what_is_no_number_is_shown_dark():
    image, pixels = with_holes()
    shown = ChannelPixels(image, 1, dark=90.5)[...]
    known = np.isfinite(pixels[0, 1])
    np.testing.assert_array_equal(shown[known], pixels[0, 1][known])
    assert (shown[~known] == 90.5).all()
    assert shown.dtype == np.float32
    colours = ColourPixels(image)[0]
    assert (colours[0, :3] == 0).all()
    np.testing.assert_array_equal(colours[1:], np.moveaxis(pixels[0, :, 0], 0, -1)[1:])
