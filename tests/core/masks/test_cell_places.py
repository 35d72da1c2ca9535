"""Where many cells are, found together, against one after the other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, label

from cellpose_studio.core.masks.cell_places import places_of
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.labels import place_of


@pytest.mark.parametrize("shape", [(60, 70), (6, 40, 50), (2, 5, 40, 30)])
def test_places_are_those_of_each_cell(shape):
    rough = gaussian_filter(np.random.default_rng(1).random(shape), 1.5)
    labels = label(rough > np.quantile(rough, 0.7))[0].astype(np.uint32)
    table = CellTable.of(labels)
    cells = table.ids().tolist()[::-1]
    assert len(cells) > 2
    centres, sizes = places_of(labels, table, cells)
    for n, cell in enumerate(cells):
        box = table.box(cell)
        place = place_of(labels[box] == cell, box)
        assert (centres[n].tolist(), float(sizes[n])) == place


def test_no_cells_have_no_places():
    labels = np.zeros((4, 5), np.uint32)
    centres, sizes = places_of(labels, CellTable.of(labels), [])
    assert centres.shape == (0, 2)
    assert sizes.shape == (0,)
