"""Label images to edit, and what holds for every edit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from cellpose_studio.core.masks.cell_table import CellTable


def discs(seed, shape, cells, radius=6, gap=0):
    """Draw round cells at random places; those drawn later lie over the others."""
    random = np.random.default_rng(seed)
    labels = np.zeros(shape, np.uint32)
    grid = np.indices(shape)
    for cell in random.permutation(np.arange(1, cells + 1)) * 3:
        centre = [random.integers(n) for n in shape]
        away = sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True))
        near = away <= random.uniform(0, radius) ** 2
        labels[near] = cell
        if random.random() < 0.2:
            labels[away <= 1] = 0
    return labels


def connected(mask):
    return label(mask, np.ones((3,) * mask.ndim))[1] <= 1


def whole(labels):
    """Return the labels with a new id for each connected part."""
    result = np.zeros_like(labels)
    count = 0
    for cell in np.unique(labels[labels != 0]):
        numbers, parts = label(labels == cell, np.ones((3,) * labels.ndim))
        result[numbers > 0] = numbers[numbers > 0] + count
        count += parts
    return result


def rows(table):
    return {int(n): (table.size_of(int(n)), table.box(int(n))) for n in table.ids()}


def applied(labels, edit):
    """Return the labels after an edit; check what has to hold for every edit."""
    before, after = labels.copy(), labels.copy()
    table = CellTable.of(labels)
    assert edit.is_inside(labels.shape)
    assert edit.fits(labels)
    edit.apply(after)
    np.testing.assert_array_equal(labels, before)
    table.change(edit, after)
    assert rows(table) == rows(CellTable.of(after))
    undone = after.copy()
    edit.inverse().apply(undone)
    np.testing.assert_array_equal(undone, before)
    table.change(edit.inverse(), undone)
    assert rows(table) == rows(CellTable.of(before))
    return after


def untouched(before, after, cells):
    """Check that no other cells changed, but for new ones on background."""
    for cell in np.unique(before[before != 0]).tolist():
        if cell not in cells:
            np.testing.assert_array_equal(before == cell, after == cell)


class Checks:
    """What the tests of this folder share."""

    discs = staticmethod(discs)
    connected = staticmethod(connected)
    whole = staticmethod(whole)
    applied = staticmethod(applied)
    untouched = staticmethod(untouched)


@pytest.fixture(scope="session")
def check():
    return Checks
