"""Regions that reach beyond their plane are cut off at its border."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cellpose_studio.core.masks.fill import fill_rings, pixel_at


@pytest.mark.parametrize(
    ("place", "pixel"),
    [
        *((-1e300, 0), (-1e7, 0), (-0.5, 0), (0.0, 0), (2.0, 2)),
        *((8.0, 8), (1e7, 8), (1e300, 8), (math.inf, 8), (math.nan, 0)),
    ],
)
def test_no_place_becomes_a_pixel_outside(place, pixel):
    assert pixel_at(place, 8) == pixel


def test_the_part_of_a_region_within_the_plane_is_filled():
    plane = np.zeros((6, 8), np.uint32)
    corners = np.array([[5, 4], [1e7, 4], [1e7, 1e7], [5, 1e7]])
    assert fill_rings(plane, 3, corners, np.array([0, 4])) == (6, 0)
    assert np.all(plane[4:, 5:] == 3)
    assert np.count_nonzero(plane) == 6
