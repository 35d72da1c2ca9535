"""Places of words, and the lines around cells."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellpose_studio.core.display.text_anchor import anchor_in
from cellpose_studio.core.masks.edge_lines import edge_lines
from tests.core.edge_reference import lines_around

planes = arrays(np.uint32, st.tuples(st.integers(1, 12), st.integers(1, 12)),
                elements=st.integers(0, 3))  # fmt: skip


def whole(labels):
    return tuple(slice(0, size) for size in labels.shape)


@given(planes)
def test_a_place_lies_in_its_cell(labels):
    for cell in (1, 2, 3):
        place = anchor_in(labels, cell, whole(labels))
        if (labels == cell).any():
            assert labels[tuple(map(int, place))] == cell
        else:
            assert place is None


def test_the_place_of_a_disc_is_its_middle_and_of_a_ring_is_in_it():
    y, x = np.mgrid[:41, :41] - 20
    disc = (y * y + x * x <= 225).astype(np.uint32)
    assert anchor_in(disc, 1, whole(disc)) == (20, 20)
    ring = disc * (y * y + x * x > 100)
    place = anchor_in(ring, 1, whole(ring))
    assert 11 < np.hypot(place[0] - 20, place[1] - 20) < 14


def test_large_cells_and_thin_ones_have_a_place():
    labels = np.zeros((400, 4000), np.uint32)
    labels[50:350, 100:3900] = 1
    labels[201] = 2
    assert labels[tuple(map(int, anchor_in(labels, 1, whole(labels))))] == 1
    assert labels[tuple(map(int, anchor_in(labels, 2, whole(labels))))] == 2


@given(planes)
def test_lines_are_those_that_are_followed_edge_by_edge(labels):
    expected = lines_around(labels)
    found = dict(edge_lines(labels).by_cell())
    assert found.keys() == expected.keys()
    for cell, lines in found.items():
        assert {_turned(line) for line in lines} == {
            _turned(line) for line in expected[cell]
        }


def _turned(line):
    """Return the corners of a closed line from its first corner on."""
    corners = [tuple(map(int, corner)) for corner in line]
    at = corners.index(min(corners))
    return tuple(corners[at:] + corners[:at])
