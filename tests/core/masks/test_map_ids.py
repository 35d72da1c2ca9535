"""Label images with other ids, or with some of their cells only."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.core.masks import labels as labels_module
from cellpose_studio.core.masks.labels import unique_ids
from cellpose_studio.core.masks.map_ids import map_ids, only, without


@pytest.fixture
def masks():
    random = np.random.default_rng(0)
    return np.repeat(random.integers(0, 9, (20, 30)), 3, axis=1).astype(np.uint32)


def test_some_cells_are_left_alone(masks):
    kept = only(masks, [2, 7, 99])
    np.testing.assert_array_equal(kept, np.where(np.isin(masks, [2, 7]), masks, 0))
    gone = without(masks, [2, 7, 99])
    np.testing.assert_array_equal(gone, masks - kept)
    assert only(masks.astype(np.int64)[:, ::2], []).max() == 0


def test_cells_get_other_ids(masks):
    names = {cell: 10 * cell for cell in range(1, 9)}
    np.testing.assert_array_equal(map_ids(masks, names), 10 * masks)


def test_ids_are_found_in_all_bands(masks, monkeypatch):
    monkeypatch.setattr(labels_module, "_BAND", 7)
    np.testing.assert_array_equal(unique_ids(masks), np.unique(masks))
    np.testing.assert_array_equal(unique_ids(masks.T), np.unique(masks))
    assert unique_ids(masks[:0]).tolist() == []
