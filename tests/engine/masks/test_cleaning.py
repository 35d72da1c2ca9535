"""Cells are in one part each, also where they are cleaned in blocks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.masks.cleaning import (
    certainties,
    doubtful,
    keep_largest_parts,
)
from cellpose_studio.engine.masks.dynamics import FlowMaskMaker, steps_for
from cellpose_studio.engine.masks.mask_flows import flows_of_masks

CLEAN = SegmentationParameters(postprocessing="clean")
CELLPOSE = SegmentationParameters()


def largest_parts(labels: np.ndarray) -> np.ndarray:
    """By SciPy, cell by cell."""
    kept = np.zeros_like(labels)
    for cell in np.unique(labels[labels > 0]):
        parts, _ = ndimage.label(labels == cell, np.ones((3,) * labels.ndim))
        sizes = np.bincount(parts.ravel())
        sizes[0] = 0
        kept[parts == sizes.argmax()] = cell
    return kept


@pytest.mark.parametrize("shape", [(1, 1), (40, 57), (9, 20, 23)])
def test_the_largest_part_of_each_cell_stays(shape):
    rng = np.random.default_rng(len(shape))
    rough = ndimage.gaussian_filter(rng.normal(size=shape), 1)
    labels = np.digitize(rough, [-0.1, 0.0, 0.1, 0.2]).astype(np.uint32)
    expected = largest_parts(labels)
    assert shape == (1, 1) or not np.array_equal(labels, expected)
    keep_largest_parts(labels)
    np.testing.assert_array_equal(labels, expected)


def test_of_equal_parts_the_first_one_stays_and_corners_connect():
    labels = np.array([[1, 0, 2, 0], [0, 1, 0, 0], [2, 0, 0, 2]], np.uint32)
    keep_largest_parts(labels)
    assert labels.tolist() == [[1, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0]]


def test_certainty_is_that_of_flows_and_of_the_probability():
    labels = np.array([[1, 1, 2]])
    dP = np.array([[[3.0, 3, 0]], [[4, 4, 5]]], np.float32)
    cellprob = np.array([[2.0, 4, 8]], np.float32)
    assert certainties(labels, dP, cellprob, 0.0).tolist() == [1 + 3 / 4, 1 + 8 / 4]
    assert certainties(labels, dP, cellprob, -1.0).tolist() == [2, 1 + 9 / 4]


def test_doubt_about_a_cell_needs_doubt_about_nearly_all():
    low, high = np.full(20, 1.2), np.full(20, 2.0)
    counted = np.ones(20, bool)
    assert doubtful(low, counted).all()
    few = np.where(np.arange(20) < 2, high, low)
    assert doubtful(few, counted).tolist() == [False] * 2 + [True] * 18
    enough = np.where(np.arange(20) < 3, high, low)
    assert not doubtful(enough, counted).any()
    assert not doubtful(low, ~counted).any()


def test_long_cells_come_out_whole_and_none_of_a_faint_background():
    labels = np.zeros((24, 700), np.uint32)
    labels[8:16, 20:680] = 1
    dP = 5 * flows_of_masks(labels, lambda: None)[:, None]
    cellprob = np.where(labels > 0, 6, -6).astype(np.float32)[None]
    flows = Flows(dP=dP, cellprob=cellprob, scale=1.0, diameter=17.0)

    def found(flows, parameters):
        maker = FlowMaskMaker(flows, labels.shape)
        return maker.masks(parameters, Checkpoint())

    assert (steps_for(CELLPOSE, 1.0), steps_for(CLEAN, 1.0)) == (200, 2000)
    assert np.count_nonzero(found(flows, CELLPOSE)) < 0.7 * np.count_nonzero(labels)
    np.testing.assert_array_equal(found(flows, CLEAN), labels)
    faint = Flows(dP=dP / 2, cellprob=cellprob / 6, scale=0.1, diameter=170.0)
    assert found(faint, CELLPOSE).max() == 1
    assert found(faint, CLEAN).max() == 0
