"""Holes of cells and small cells, against Cellpose's."""

from __future__ import annotations

import numpy as np
from cellpose.utils import fill_holes_and_remove_small_masks
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from cellpose_studio.engine.masks.fill import bounding_boxes, finished_plane, numbered


def patches(seed: int, count: int, smoothness: float) -> np.ndarray:
    """Cells in pieces, in holes of each other and at the border; ids may be missing."""
    rng = np.random.default_rng(seed)
    heights = rng.normal(size=(count, 50, 60))
    return gaussian_filter(heights, (0, smoothness, smoothness)).argmax(0)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 9999),
    count=st.integers(1, 12),
    smoothness=st.floats(0.5, 4),
    smallest=st.sampled_from([-1, 0, 15, 60]),
)
def test_they_are_cellposes(seed, count, smoothness, smallest):
    labels = patches(seed, count, smoothness).astype(np.uint16)
    before = labels.copy()
    expected = fill_holes_and_remove_small_masks(labels.copy(), min_size=smallest)
    found = finished_plane(labels, smallest)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(labels, before)
    assert found.dtype == np.uint32


def test_cells_that_stay_are_numbered_in_the_order_of_their_pixels():
    labels = np.array([[0, 3, 1], [2, 3, 4]])
    found = numbered(labels, np.array([False, True, False, True, True]))
    assert found.tolist() == [[0, 1, 2], [0, 1, 3]]


def test_boxes_hold_the_cells():
    labels = np.array([[0, 3, 0, 3], [1, 0, 3, 0]])
    boxes = bounding_boxes(labels)
    assert boxes[[0, 2]].tolist() == [[[1, 2], [0, 1]], [[0, 2], [1, 4]]]
    assert (boxes[1, :, 0] >= boxes[1, :, 1]).all()
