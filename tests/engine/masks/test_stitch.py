"""Joining planes, against Cellpose's."""

from __future__ import annotations

import numpy as np
import pytest
from cellpose.utils import stitch3D
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter, label

from cellpose_studio.engine.masks.stitch import stitch_planes


def stack_of_cells(seed: int, planes: int = 5) -> np.ndarray:
    """Cells of a volume, numbered from 1 in each plane."""
    rough = np.random.default_rng(seed).random((planes, 60, 50))
    inside = gaussian_filter(rough, (0.8, 3, 3)) > 0.5
    return np.stack([label(plane)[0] for plane in inside]).astype(np.uint32)


def planes(*rows: list[int]) -> np.ndarray:
    return np.array(rows, np.uint32)[:, None, :]


@pytest.mark.parametrize("threshold", [0.05, 0.25, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_cells_are_joined_as_in_cellpose(seed, threshold):
    stack = stack_of_cells(seed)
    expected = stitch3D(stack.copy(), threshold)
    assert expected.max() > stack.max()
    np.testing.assert_array_equal(stitch_planes(stack, threshold), expected)


def test_the_planes_themselves_stay_as_they_are():
    stack = stack_of_cells(0)
    before = stack.copy()
    stitch_planes(stack, 0.25)
    np.testing.assert_array_equal(stack, before)


def test_a_cell_goes_on_in_the_one_that_it_overlaps_most():
    stack = planes([1, 1, 1, 1, 2, 2, 2, 2, 0], [0, 0, 1, 1, 1, 1, 1, 2, 2])
    # Cell 1 above shares 3 of 8 pixels with 2 below, and 2 of 9 with 1.
    assert stitch_planes(stack, 0.2)[1, 0].tolist() == [0, 0, 2, 2, 2, 2, 2, 3, 3]


def test_of_two_cells_over_one_the_better_goes_on():
    stack = planes([1, 1, 1, 1, 1, 1], [1, 1, 2, 2, 2, 2])
    assert stitch_planes(stack, 0.1)[1, 0].tolist() == [2, 2, 1, 1, 1, 1]


def test_the_threshold_itself_is_enough():
    stack = planes([1, 1, 0, 0], [1, 1, 1, 1])
    assert stitch_planes(stack, 0.5)[1, 0].tolist() == [1, 1, 1, 1]
    assert stitch_planes(stack, 0.51)[1, 0].tolist() == [2, 2, 2, 2]


def test_after_an_empty_plane_cells_are_new():
    stack = planes([1, 1, 2, 2], [0, 0, 0, 0], [1, 1, 2, 2])
    assert stitch_planes(stack, 0.25)[2, 0].tolist() == [3, 3, 4, 4]


def test_empty_planes_first_do_no_harm():
    stack = planes([0, 0, 0], [0, 0, 0], [1, 0, 2], [1, 0, 2])
    assert stitch_planes(stack, 0.25)[3, 0].tolist() == [1, 0, 2]


def test_planes_may_lack_numbers():
    stack = planes([0, 5, 5, 9], [0, 7, 7, 3])
    assert stitch_planes(stack, 0.25)[1, 0].tolist() == [0, 5, 5, 9]


def test_one_plane_stays_as_it_is():
    stack = planes([0, 2, 1])
    np.testing.assert_array_equal(stitch_planes(stack, 0.25), stack)


@given(arrays(np.uint32, (4, 3, 4), elements=st.integers(0, 3)))
def test_every_cell_of_a_plane_keeps_its_pixels_and_shares_them_with_no_other(stack):
    result = stitch_planes(stack, 0.3)
    for before, after in zip(stack, result, strict=True):
        pairs = {*zip(before.ravel().tolist(), after.ravel().tolist(), strict=True)}
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
        assert all((a == 0) == (b == 0) for a, b in pairs)
