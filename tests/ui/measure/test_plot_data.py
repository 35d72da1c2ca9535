"""Bins, groups and places of points in the plots of measurements."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.ui.measure.plots.data import beside, bin_edges, groups_of

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(0),
        np.array([np.nan]),
        np.array([3.0, 3.0]),
        np.array([1.5, 2.5, np.nan]),
        RANDOM.normal(size=1000),
        # One value far away must not make thousands of bins.
        np.append(RANDOM.normal(size=1000), 1e9),
    ],
)
def test_bins_hold_all_values_and_are_few(values):
    edges = bin_edges(values)
    counts, _ = np.histogram(values[np.isfinite(values)], edges)
    assert counts.sum() == np.isfinite(values).sum()
    assert 1 <= len(counts) <= 60
    assert np.allclose(np.diff(edges), edges[1] - edges[0])


def test_whole_numbers_are_counted_one_by_one():
    assert bin_edges(np.array([0.0, 2, 3])).tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5]


def test_groups_are_in_natural_order():
    groups = groups_of(np.array(["10", "b", "", "9", "A", "10"]))
    assert groups.names == ("9", "10", "none", "A", "b")
    assert groups.codes.tolist() == [1, 4, 2, 0, 3, 1]


def test_the_smallest_of_too_many_groups_are_one():
    names = np.repeat([f"{n:02}" for n in range(12)], range(1, 13))
    groups = groups_of(names)
    assert groups.names == (*(f"{n:02}" for n in range(5, 12)), "others")
    assert (groups.codes == 7).sum() == 1 + 2 + 3 + 4 + 5


def test_points_stand_beside_each_other_in_their_group():
    groups = groups_of(np.array(["a", "b"] * 50))
    places = beside(groups)
    assert np.array_equal(np.round(places), groups.codes)
    assert len(np.unique(places)) == 100


def test_a_point_alone_stands_in_the_middle_of_its_group():
    places = beside(groups_of(np.array(["a", "b", "c", "b"])))
    assert places[[0, 2]].tolist() == [0, 2]
    assert places[1] != places[3]
