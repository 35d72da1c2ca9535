"""Which cells touch: told of a merge."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.core.edits.whole import groups_of
from cellpose_studio.core.masks.cell_table import CellTable

PLANE = [
    [1, 1, 0, 3, 0, 4],
    [1, 0, 2, 0, 0, 4],
    [0, 0, 2, 0, 0, 0],
    [5, 0, 0, 0, 6, 6],
]


@pytest.mark.parametrize(
    ("cells", "groups"),
    [
        ([1, 2], 1),  # at a corner
        ([1, 3], 2),  # a pixel lies between them
        ([3, 4], 2),
        ([1, 2, 3], 1),
        ([1, 2, 4], 2),
        ([5, 6, 4], 3),
        ([4, 4], 1),
    ],
)
def test_cells_that_touch_are_one_group(cells, groups):
    labels = np.array(PLANE, np.uint32)
    assert groups_of(labels, CellTable.of(labels), cells) == groups


def test_a_chain_of_cells_is_one_group_in_any_order():
    labels = np.array([[1, 1, 2, 2, 3, 3, 4, 4, 0, 5]], np.uint32)
    labels = np.repeat(labels, 2, axis=0)
    table = CellTable.of(labels)
    assert groups_of(labels, table, [1, 4, 2, 3]) == 1
    assert groups_of(labels, table, [1, 4, 5]) == 3


def test_cells_of_a_stack_touch_in_neighbouring_planes():
    labels = np.zeros((3, 4, 4), np.uint32)
    labels[0, 1, 1], labels[1, 2, 2], labels[2, 0, 0] = 1, 2, 3
    table = CellTable.of(labels)
    assert groups_of(labels, table, [1, 2]) == 1
    assert groups_of(labels, table, [1, 3]) == 2
