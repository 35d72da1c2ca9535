"""Agreement with true masks, against Cellpose's measure and by hand."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from cellpose.metrics import average_precision
from scipy.ndimage import gaussian_filter, label

from cellpose_studio.engine.evaluation import IOU_THRESHOLDS, agreement


def cells(seed: int, shape: tuple[int, ...] = (120, 100)) -> np.ndarray:
    rough = np.random.default_rng(seed).random(shape)
    return label(gaussian_filter(rough, 3) > 0.52)[0]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shape", [(120, 100), (6, 60, 60)])
def test_average_precision_is_cellposes(seed, shape):
    true = cells(seed, shape)
    found = np.roll(true, seed, axis=-1)
    found[found == 3] = 0
    found = label(found)[0]
    expected = average_precision(true, found, threshold=list(IOU_THRESHOLDS))[0]
    result = agreement(found, true)
    assert result.precision == pytest.approx(expected.tolist(), abs=1e-6)
    assert (result.true_cells, result.found_cells) == (true.max(), found.max())


def test_by_hand():
    true = np.array([[1, 1, 1, 1, 0, 2, 2, 2, 2, 0, 3, 3]])
    found = np.array([[1, 1, 1, 1, 0, 2, 2, 2, 0, 0, 0, 0]])
    # The first is hit exactly, the second with an IoU of 3/4, the third is missed.
    assert agreement(found, true).precision == pytest.approx((2 / 3, 2 / 3, 1 / 4))


def test_ids_do_not_matter():
    true = np.array([[0, 900_000, 900_000, 0, 7]], np.uint32)
    found = np.array([[0, 3, 3, 0, 2]], np.uint16)
    result = agreement(found, true)
    assert result.precision == (1.0, 1.0, 1.0)
    assert (result.true_cells, result.found_cells) == (2, 2)


def test_masks_without_background_count_every_cell():
    full = np.array([[1, 1, 2, 2, 3, 3]])
    assert agreement(full, full).precision == (1.0, 1.0, 1.0)
    found = np.array([[1, 1, 2, 2, 0, 0]])
    assert agreement(found, full).precision == pytest.approx((2 / 3,) * 3)


def test_finding_nothing_or_what_is_not_there_is_worth_nothing():
    true, none = np.array([[1, 1, 0]]), np.zeros((1, 3), int)
    assert agreement(none, true).precision == (0.0, 0.0, 0.0)
    assert agreement(true, none).precision == (0.0, 0.0, 0.0)


def test_an_image_without_cells_has_no_precision():
    none = np.zeros((4, 4), np.uint32)
    result = agreement(none, none)
    assert all(math.isnan(value) for value in result.precision)
    assert (result.true_cells, result.found_cells) == (0, 0)


def test_the_masks_stay_as_they_are():
    true, found = np.array([[5, 5, 0]]), np.array([[9, 0, 0]])
    agreement(found, true)
    assert true.tolist() == [[5, 5, 0]]
    assert found.tolist() == [[9, 0, 0]]


@pytest.mark.parametrize("cells", [1, 4])
def test_without_background_nothing_is_warned_of(cells):
    """Cellpose divides by the area of the background; one cell is none to it."""
    labels = np.repeat(np.arange(1, cells + 1), 8).reshape(-1, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = agreement(labels, labels)
    assert result.precision == (1, 1, 1)
    assert (result.true_cells, result.found_cells) == (cells, cells)
    part = np.where(np.arange(labels.size).reshape(labels.shape) < 2, 0, labels)
    assert agreement(part, labels).precision[:2] == (1, 1)
    assert agreement(labels, part).precision[:2] == (1, 1)
