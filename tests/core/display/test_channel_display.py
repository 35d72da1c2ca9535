from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from cellpose_studio.core.display.channel_display import (
    COLOURS,
    ChannelDisplay,
    auto_limits,
    channel_colours,
    displays_of,
    replace_display,
    reset,
    values_of,
)

# Linear RGB as colour-blind readers see it (Viénot, Brettel and Mollon, 1999).
BLIND = {
    "protanope": [[0.11, 0.89, 0], [0.11, 0.89, 0], [0.004, -0.004, 1]],
    "deuteranope": [[0.29, 0.71, 0], [0.29, 0.71, 0], [-0.02, 0.02, 1]],
}


def hues(colours, kind):
    """Return the share of red, green and blue, whatever the brightness of pixels."""
    seen = np.array(colours) @ np.array(BLIND[kind]).T
    return seen / seen.sum(axis=1, keepdims=True)


def closest(colours, kind):
    """Return how close the hues of the two most alike colours are."""
    pairs = combinations(hues(colours, kind), 2)
    return min(np.linalg.norm(one - other) for one, other in pairs)


@pytest.mark.parametrize("kind", BLIND)
def test_colours_of_a_few_channels_are_told_apart_by_everybody(kind):
    assert closest([COLOURS["Red"], COLOURS["Green"]], kind) < 0.1
    for channels in (2, 3):
        assert closest(channel_colours(channels), kind) > 0.2


def test_one_channel_is_grey_and_two_add_up_to_white():
    assert channel_colours(1) == [(1, 1, 1)]
    assert channel_colours(2) == [COLOURS["Green"], COLOURS["Magenta"]]
    assert np.sum(channel_colours(2), 0).tolist() == [1, 1, 1]
    names = ["Cyan", "Magenta", "Yellow", "Green", "Red", "Blue", "Cyan"]
    assert channel_colours(7) == [COLOURS[name] for name in names]


@pytest.mark.parametrize(
    ("pixels", "bounds", "whole"),
    [
        (np.array([[3, 200]], np.uint8), (0, 255), True),
        (np.array([[100, 4095]], np.uint16), (0, 4095), True),
        (np.array([[-5, 7]], np.int16), (-5, 7), True),
        (np.array([[0.25, 0.75]], np.float32), (0, 0.75), False),
        # A phase image far from 0 would have all its values in a corner.
        (np.array([[900.0, 1000.0, np.nan]], np.float32), (900, 1000), False),
        (np.full((2, 2), 7, np.uint16), (0, 7), True),
        (np.zeros((2, 2), np.uint16), (0, 1), True),
        (np.full((2, 2), np.nan, np.float32), (0, 1), False),
    ],
)
def test_the_values_of_a_channel_bound_its_sliders(pixels, bounds, whole):
    values = values_of(pixels)
    assert (values.bounds, values.whole) == (bounds, whole)
    assert values.histogram.sum() == np.isfinite(pixels).sum()


def test_automatic_limits_are_percentiles_and_never_equal():
    assert auto_limits(np.arange(1001, dtype=np.uint16)) == pytest.approx((1, 999))
    assert auto_limits(np.full((4, 4), 9, np.uint8)) == (9, 10)


def test_reset_shows_all_values_and_keeps_the_colour():
    display = ChannelDisplay(visible=False, colour=(1, 0, 0), limits=(5, 6), gamma=0.5)
    values = values_of(np.array([[0, 9]], np.uint16))
    assert reset(display, values) == ChannelDisplay(
        visible=False, colour=(1, 0, 0), limits=(0, 9), gamma=1
    )


@pytest.mark.parametrize(
    "change",
    [{"limits": (2, 2)}, {"gamma": 0}, {"colour": (0, 0, 2)}, {"limits": (0, np.nan)}],
)
def test_impossible_settings_are_refused(change):
    with pytest.raises(ValueError):
        replace_display(ChannelDisplay(), **change)


def test_stored_settings_are_read_again_unless_they_are_damaged():
    display = ChannelDisplay(colour=(0, 1, 0), limits=(-3.5, 1e6), gamma=2)
    assert displays_of([display.model_dump(mode="json")]) == [display]
    for damaged in (None, 3, {}, [{"gamma": "much"}], [{"limits": [1]}], [None]):
        assert displays_of(damaged) == []
