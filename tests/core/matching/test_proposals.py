"""Divisions are proposed where cells begin on one that has ended."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.matching.proposals import propose_divisions


def film(daughters, ended=True):
    """Cell 3 and what follows it: daughters by the columns that they have."""
    labels = np.zeros((4, 12, 40), np.uint32)
    labels[:2, 2:10, 10:22] = 3
    labels[:, 2:10, 32:38] = 9
    for cell, columns in daughters.items():
        labels[2:, 2:10, slice(*columns)] = cell
    if not ended:
        labels[2:, 0, 10:12] = 3
    return labels


@pytest.mark.parametrize(
    ("daughters", "expected"),
    [
        ({5: (8, 14), 6: (16, 24)}, {5: 3, 6: 3}),
        ({5: (8, 14)}, {}),
        ({5: (8, 14), 6: (21, 29)}, {}),
        ({5: (9, 12), 6: (13, 17), 7: (18, 22)}, {5: 3, 6: 3, 7: 3}),
    ],
)
def test_two_or_more_cells_on_one_that_ended_are_proposed(daughters, expected):
    labels = film(daughters)
    assert propose_divisions(labels, CellTable.of(labels), {}) == expected


def test_a_cell_that_goes_on_did_not_divide():
    labels = film({5: (8, 14), 6: (16, 24)}, ended=False)
    assert propose_divisions(labels, CellTable.of(labels), {}) == {}


def test_divisions_that_are_known_are_not_proposed():
    labels = film({5: (8, 14), 6: (16, 24)})
    assert propose_divisions(labels, CellTable.of(labels), {5: 3}) == {}
