from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellpose_studio.core.display.composite import Channel, composite, overlay
from cellpose_studio.core.display.label_picture import (
    colour_of,
    colour_table,
    draw_labels,
    palette,
)

GREY = np.array([[0, 0, 0], [1, 1, 1]], np.float32)
GREEN, MAGENTA = np.array([0, 1, 0.0]), np.array([1, 0, 1.0])

numbers = hnp.arrays(
    st.sampled_from([np.uint8, np.uint16, np.int32, np.float32, np.float64]),
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
)


def plane(*values: float, dtype=np.uint16) -> np.ndarray:
    return np.array([values], dtype)


@given(numbers, st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(0.1, 3))
def test_whatever_the_pixels_are_there_is_a_picture(pixels, low, width, gamma):
    seen = composite(
        [Channel(pixels=pixels, limits=(low, low + width), colours=GREY, gamma=gamma)]
    )
    assert seen.shape == (*pixels.shape, 3)
    assert seen.dtype == np.uint8


@given(hnp.arrays(np.uint8, (4, 5)))
def test_grey_between_the_limits_of_the_type_is_the_pixels_themselves(pixels):
    seen = composite([Channel(pixels=pixels, limits=(0, 255), colours=GREY)])
    assert (seen == pixels[..., None]).all()


def test_limits_say_what_is_darkest_and_brightest():
    seen = composite(
        [Channel(pixels=plane(50, 100, 150, 200, 900), limits=(100, 200), colours=GREY)]
    )
    assert seen[0, :, 0].tolist() == [0, 0, 128, 255, 255]


def test_gamma_changes_what_lies_between():
    seen = composite(
        [Channel(pixels=plane(0, 50, 100), limits=(0, 100), colours=GREY, gamma=2)]
    )
    assert seen[0, :, 0].tolist() == [0, 64, 255]


def test_a_colour_begins_at_black():
    seen = composite([Channel(pixels=plane(0, 255), limits=(0, 255), colours=MAGENTA)])
    assert seen[0].tolist() == [[0, 0, 0], [255, 0, 255]]


def test_channels_add_up():
    a = Channel(
        pixels=plane(255, 255, 0), limits=(0, 255), colours=GREEN, blending="additive"
    )
    b = Channel(
        pixels=plane(0, 255, 255),
        limits=(0, 255),
        colours=MAGENTA,
        gamma=1,
        opacity=0.5,
        blending="additive",
    )
    assert composite([a, b])[0].tolist() == [
        [0, 255, 0],
        [128, 255, 128],
        [128, 0, 128],
    ]


def test_a_translucent_channel_hides_what_is_below():
    below = Channel(pixels=plane(255), limits=(0, 255), colours=GREY)
    above = Channel(pixels=plane(0), limits=(0, 255), colours=GREY, opacity=0.25)
    assert composite([below, above])[0, 0, 0] == 191


def test_the_darker_of_two_channels_is_seen_also_over_nothing():
    a = Channel(
        pixels=plane(200, 10), limits=(0, 255), colours=GREY, blending="minimum"
    )
    b = Channel(
        pixels=plane(20, 100), limits=(0, 255), colours=GREY, blending="minimum"
    )
    assert composite([a, b])[0, :, 0].tolist() == [20, 10]


def test_a_colour_picture_is_shown_as_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    assert (
        composite([Channel(pixels=pixels, limits=(0, 255), colours=GREY)]) == pixels
    ).all()


def test_values_that_are_no_number_are_dark():
    values = plane(np.nan, np.inf, -np.inf, dtype=np.float32)
    shown = composite([Channel(pixels=values, limits=(0, 1), colours=GREY)])
    assert shown[0, :, 0].tolist() == [0, 0, 0]


def test_planes_of_different_sizes_are_refused():
    channels = [
        Channel(pixels=plane(1), limits=(0, 1), colours=GREY),
        Channel(pixels=plane(1, 2), limits=(0, 1), colours=GREY),
    ]
    for wrong in ([], channels):
        with pytest.raises(ValueError, match="one size"):
            composite(wrong)


def test_masks_lie_over_the_image():
    labels = np.zeros((5, 5), np.uint32)
    labels[1:4, 1:4] = 7
    rgb = np.full((5, 5, 3), 100, np.uint8)
    table = colour_table(palette(), fill=0.5, outline=1.0)
    seen = overlay(rgb, draw_labels(labels), table)
    colour = palette()[colour_of(7) - 1] * 255
    assert (rgb == 100).all()
    assert seen[0, 0].tolist() == [100, 100, 100]
    assert np.abs(seen[1, 1] - colour).max() < 1
    assert np.abs(seen[2, 2] - (colour + 100) / 2).max() < 1


def test_masks_that_are_not_shown_leave_the_image_as_it_is():
    labels = np.ones((3, 3), np.uint32)
    rgb = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    table = colour_table(palette(), fill=1, outline=1)
    assert (overlay(rgb, draw_labels(labels), table, opacity=0) == rgb).all()
