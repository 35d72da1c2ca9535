"""Outlines of many cells have fewer corners, but lie where the cells are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from skimage.segmentation import find_boundaries

from cellpose_studio.app.masks.label_set import LabelImage
from cellpose_studio.ui.measure.links.several_highlight import _MOST_POINTS, _outlines

PITCH = 40


@pytest.mark.parametrize("across", [5, 40])
def test_outlines_lie_along_the_cells(across):
    side = across * PITCH
    y, x = np.indices((side, side))
    inside = np.hypot(y % PITCH - PITCH // 2, x % PITCH - PITCH // 2) < 15
    cell = y // PITCH * across + x // PITCH + 1
    labels = np.where(inside, cell, 0).astype(np.uint32)
    every = frozenset(range(1, across**2))
    joined = _outlines(LabelImage(labels).snapshot(), 0, every)
    # All are one line for the graphics card, which is interrupted at their ends.
    ends = np.flatnonzero(~joined.connected) + 1
    assert ends[-1] == len(joined.points)
    paths = np.split(joined.points, ends[:-1])
    assert len(paths) == across**2 - 1
    points = np.concatenate(paths)
    assert len(points) < _MOST_POINTS * 1.5
    assert all(np.array_equal(path[0], path[-1]) for path in paths)
    # Pixels at the edge of a cell lie half a pixel from its outline at most.
    far = distance_transform_edt(~find_boundaries(labels, mode="thick"))
    at = np.rint(points).astype(int)
    assert far[at[:, 0], at[:, 1]].max() <= 1
    if across == 5:
        assert np.all(points * 2 % 2 == 1)
