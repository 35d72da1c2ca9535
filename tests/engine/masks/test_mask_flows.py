"""The flows of masks, against Cellpose's."""

from __future__ import annotations

import numpy as np
import pytest
from cellpose import dynamics
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, label

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.engine.masks.mask_flows import flow_errors, flows_of_masks


def check() -> None:
    """Go on."""


def blobs(seed: int, smoothness: float) -> np.ndarray:
    """Cells of any shape, with holes, at the border, and cut by straight lines."""
    rough = np.random.default_rng(seed).random((60, 45))
    inside = gaussian_filter(rough, smoothness) > 0.5
    labels = label(inside)[0]
    labels[:, 20:] += (labels[:, 20:] > 0) * labels.max()
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), smoothness=st.floats(1.0, 5.0))
def test_they_are_cellposes(seed, smoothness):
    labels = blobs(seed, smoothness)
    if not labels.any():
        return
    expected = dynamics.masks_to_flows_gpu(labels)[0]
    found = flows_of_masks(labels.astype(np.uint16), check)
    # Where it is equally warm all around, rounding decides, there and here.
    differ = np.abs(found - expected).max(axis=0) > 1e-5
    middles = np.unique(labels[differ], return_counts=True)[1]
    assert middles.max(initial=0) <= 4
    assert found.shape == expected.shape
    assert not found[:, labels == 0].any()


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_flow_errors_are_cellposes(seed):
    labels = blobs(seed, 3.0)
    if not labels.any():
        return
    exact = dynamics.masks_to_flows_gpu(labels)[0]
    noise = np.random.default_rng(seed).normal(size=exact.shape)
    dP = (5 * exact + noise).astype(np.float32)
    expected = dynamics.flow_error(labels, dP)[0]
    sizes = np.bincount(labels.ravel())[1:]
    large = sizes > 50
    found = flow_errors(labels, dP, check)
    np.testing.assert_allclose(found[large], expected[large], atol=0.02)
    assert len(found) == len(expected)


def test_the_centre_of_an_even_rectangle_is_where_cellpose_puts_it():
    labels = np.zeros((30, 40), np.int32)
    labels[3:9, 4:14] = 1
    labels[11:18, 20:31] = 2
    labels[20:29, 0:8] = 3
    expected = dynamics.masks_to_flows_gpu(labels)[0]
    found = flows_of_masks(labels, check)
    differ = np.abs(found - expected).max(axis=0) > 1e-5
    assert differ.sum() <= 3


def test_without_cells_there_are_no_flows():
    assert not flows_of_masks(np.zeros((5, 7), np.uint32), check).any()
    assert len(flow_errors(np.zeros((5, 7), int), np.ones((2, 5, 7), "f4"), check)) == 0


def test_numbers_may_be_missing():
    labels = np.zeros((12, 12), np.int64)
    labels[2:9, 3:8] = 1
    alone = flows_of_masks(labels, check)
    np.testing.assert_array_equal(flows_of_masks(labels * 7, check), alone)


def test_a_stop_takes_effect_within_a_cell():
    labels = np.ones((800, 800), np.uint8)
    checkpoint = Checkpoint()
    calls = []

    def third_time_stop() -> None:
        calls.append(1)
        if len(calls) == 3:
            checkpoint.stop()
        checkpoint.check()

    with pytest.raises(Cancelled):
        flows_of_masks(labels, third_time_stop)
    assert len(calls) == 3
