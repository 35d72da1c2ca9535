"""Colours of cells by a value."""

from __future__ import annotations

import numpy as np

from cellpose_studio.core.display.cell_colours import (
    UNKNOWN_RANK,
    class_cell_colours,
    ranks_by_id,
    value_limits,
    value_palette,
    value_ranks,
)
from cellpose_studio.core.display.label_picture import (
    COLOURS,
    OUTLINE,
    colour_table,
)

LAST = UNKNOWN_RANK - 1
"""The last colour of the scale; the one after it is that of unknown values."""


def test_values_go_from_the_first_to_the_last_colour():
    ids = np.array([2, 3, 5, 7], np.uint32)
    ranks = value_ranks(ids, np.array([10.0, 15, 20, 99]), (10, 20))
    assert ranks.tolist()[:1] == [0]
    assert ranks[ids].tolist() == [1, (1 + LAST) // 2, LAST, LAST]


def test_what_is_not_known_is_grey():
    ids = np.array([1, 2, 4], np.uint32)
    ranks = value_ranks(ids, np.array([np.nan, np.inf, 3]), (3, 3))
    assert ranks[[1, 2, 3]].tolist() == [UNKNOWN_RANK] * 3
    # Cells of one value only are in the middle of the scale.
    assert 1 < ranks[4] < LAST
    assert len(set(value_palette()[UNKNOWN_RANK - 1].tolist())) == 1


def test_what_is_not_known_has_a_white_outline_unlike_the_others():
    colours = class_cell_colours({}, [], "Class")
    assert (colours.outlines[UNKNOWN_RANK - 1] == 1).all()
    known = slice(0, UNKNOWN_RANK - 1)
    assert np.array_equal(colours.outlines[known], colours.palette[known])
    table = colour_table(
        colours.palette, fill=0.5, outline=1, outlines=colours.outlines
    )
    assert table[UNKNOWN_RANK].tolist() == [0.5] * 4
    assert table[UNKNOWN_RANK | OUTLINE].tolist() == [1] * 4


def test_a_single_odd_cell_does_not_stretch_the_scale():
    values = np.append(np.linspace(0, 1, 1000), 1e6)
    low, high = value_limits(values)
    assert 0 <= low < 0.05
    assert 0.9 < high < 1.1
    assert np.isnan(value_limits(np.array([np.nan]))).all()


def test_brightness_rises_along_the_scale():
    # Rec. 709: what the eye makes of red, green and blue.
    palette = value_palette()
    brightness = palette[:-1] @ np.array([0.2126, 0.7152, 0.0722])
    assert len(palette) == COLOURS
    assert (np.diff(brightness) > 0).all()


def test_ids_that_no_table_could_hold_are_left_out():
    ids = np.array([1, 2**31], np.uint32)
    assert ranks_by_id(ids, np.array([5, 6], np.uint8)).tolist() == [0, 5]
