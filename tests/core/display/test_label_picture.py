from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellpose_studio.core.display.label_picture import (
    COLOURS,
    OUTLINE,
    colour_of,
    colour_table,
    draw_labels,
    redraw_labels,
)
from cellpose_studio.core.masks.labels import outlines

planes = hnp.arrays(
    np.uint32,
    hnp.array_shapes(min_dims=2, max_dims=3, max_side=9),
    elements=st.sampled_from([0, 1, 2, 70_000, 2**32 - 1]),
)


@given(planes)
def test_the_outline_bit_marks_what_core_labels_calls_outlines(labels):
    assert np.array_equal((draw_labels(labels) & OUTLINE) != 0, outlines(labels))


@given(planes)
def test_each_pixel_has_the_colour_of_its_cell(labels):
    expected = [colour_of(int(cell)) for cell in labels.ravel()]
    assert (draw_labels(labels) & ~np.uint8(OUTLINE)).ravel().tolist() == expected


def test_only_background_has_no_colour():
    cells = [1, 2, 127, 128, 65_536, 2**31, 2**32 - 1]
    assert colour_of(0) == 0
    assert all(1 <= colour_of(cell) <= COLOURS for cell in cells)


def test_neighbouring_ids_differ_in_colour():
    colours = [colour_of(cell) for cell in range(1, 1000)]
    near = zip(colours, colours[1:], colours[2:], strict=False)
    assert all(len(set(three)) == 3 for three in near)


@given(planes, st.data())
def test_an_update_gives_what_drawing_all_again_would(labels, data):
    drawn = draw_labels(labels)
    box = tuple(
        slice(*sorted(data.draw(st.tuples(*[st.integers(0, size)] * 2))))
        for size in labels.shape
    )
    labels[box] = data.draw(st.sampled_from([0, 2, 5]))
    redraw_labels(drawn, labels, box)
    assert np.array_equal(drawn, draw_labels(labels))


def test_an_update_tells_what_it_redrew():
    labels = np.zeros((20, 30), np.uint32)
    box = slice(0, 3), slice(10, 12)
    assert redraw_labels(draw_labels(labels), labels, box) == (
        slice(0, 4),
        slice(9, 13),
    )


@pytest.mark.parametrize(("fill", "outline"), [(0.5, 0.5), (0.0, 1.0)])
def test_the_table_shows_fill_and_outline_as_wanted(fill, outline):
    labels = np.zeros((5, 5), np.uint32)
    labels[1:4, 1:4] = 7
    colours = np.random.default_rng(0).random((COLOURS, 3)).astype(np.float32)
    shown = colour_table(colours, fill=fill, outline=outline)[draw_labels(labels)]
    assert shown[0, 0].tolist() == [0, 0, 0, 0]
    assert shown[2, 2, 3] == np.float32(fill)
    assert shown[1, 1, 3] == np.float32(outline)
    assert np.array_equal(shown[2, 2, :3], colours[colour_of(7) - 1])
