"""Masks made in blocks are those that are made at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, label

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.blocks.result import masks_in_blocks
from cellpose_studio.engine.masks.dynamics import FlowMaskMaker
from cellpose_studio.engine.masks.mask_flows import flows_of_masks
from tests.engine.blocks.flows_in_memory import FlowsInMemory
from tests.engine.blocks.memory_store import MemoryStore


def check() -> None:
    """Never stop."""


def blobs(shape: tuple[int, ...], seed: int, size: float = 3.0) -> np.ndarray:
    """Return labels of random blobs, some of them with holes, some at the border."""
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=shape), size)
    return label(noise > 0.4 * noise.std())[0].astype(np.uint32)


def planes(count: int, shape: tuple[int, int], seed: int, scale: float = 1.0) -> Flows:
    """Return noisy flows of blobs in planes."""
    random = np.random.default_rng(seed)
    dP = np.zeros((2, count, *shape), np.float32)
    cellprob = np.zeros((count, *shape), np.float32)
    for n in range(count):
        labels = blobs(shape, seed + n)
        dP[:, n] = 5 * flows_of_masks(labels, check)
        cellprob[n] = np.where(labels > 0, 4, -4)
    dP += random.normal(scale=0.8, size=dP.shape)
    cellprob += random.normal(scale=1.5, size=cellprob.shape)
    return Flows(dP=dP, cellprob=cellprob, scale=scale, diameter=17.0)


def volume(shape: tuple[int, int, int], seed: int) -> Flows:
    """Return noisy flows that lead to the middle of blobs in a volume."""
    random = np.random.default_rng(seed)
    labels = blobs(shape, seed, 2.2)
    dP = random.normal(scale=0.5, size=(3, *shape)).astype(np.float32)
    at = np.indices(shape)
    for cell in range(1, int(labels.max()) + 1):
        inside = labels == cell
        away = at[:, inside] - at[:, inside].mean(1, keepdims=True)
        dP[:, inside] -= 5 * away / (np.linalg.norm(away, axis=0) + 0.5)
    cellprob = np.where(labels > 0, 3, -3) + random.normal(size=shape)
    return Flows(dP=dP, cellprob=cellprob.astype(np.float32), scale=1.0, diameter=17.0)


def both_ways(flows, shape, parameters, side, overlap):
    """Return masks and confidence, at once and in blocks."""
    maker = FlowMaskMaker(flows, shape)
    labels = maker.masks(parameters, Checkpoint())
    found, sure = masks_in_blocks(
        FlowsInMemory(flows),
        shape,
        MemoryStore(),
        parameters,
        side,
        overlap,
        Checkpoint(),
    )
    assert found.steps_needed() == maker.steps_needed
    return labels, maker.confidence(labels, parameters, Checkpoint()), found, sure


def assert_same(flows, shape, parameters, side, overlap=4):
    labels, expected, found, sure = both_ways(flows, shape, parameters, side, overlap)
    np.testing.assert_array_equal(found.whole(), labels)
    assert found.cells == len(np.unique(labels[labels > 0]))
    np.testing.assert_array_equal(sure.ids, expected.ids)
    np.testing.assert_array_equal(sure.pixels, expected.pixels)
    np.testing.assert_allclose(sure.probabilities, expected.probabilities, rtol=1e-6)
    np.testing.assert_allclose(sure.flow_errors, expected.flow_errors, rtol=1e-6)
    for count in ("candidates", "misfits", "doubtful"):
        assert getattr(sure, count) == getattr(expected, count), count
    return labels


@settings(max_examples=12, deadline=None)
@given(
    shape=st.tuples(st.integers(20, 90), st.integers(20, 90)),
    side=st.integers(11, 60),
    overlap=st.integers(1, 30),
    seed=st.integers(0, 2**20),
    threshold=st.sampled_from([0.0, 0.4, 1.0]),
    smallest=st.sampled_from([-1, 15, 60]),
    at_border=st.booleans(),
    finish=st.sampled_from(["cellpose", "clean"]),
)
def test_cells_of_planes_are_the_same(
    shape, side, overlap, seed, threshold, smallest, at_border, finish
):
    parameters = SegmentationParameters(
        flow_threshold=threshold,
        min_size=smallest,
        exclude_on_edges=at_border,
        postprocessing=finish,
    )
    flows = planes(2, shape, seed)
    assert_same(flows, (2, *shape), parameters, (1, side, side), overlap)


@settings(max_examples=6, deadline=None)
@given(
    shape=st.tuples(st.integers(8, 20), st.integers(16, 40), st.integers(16, 40)),
    side=st.tuples(st.integers(5, 20), st.integers(9, 30), st.integers(9, 30)),
    seed=st.integers(0, 2**20),
    at_border=st.booleans(),
    finish=st.sampled_from(["cellpose", "clean"]),
)
def test_cells_of_volumes_are_the_same(shape, side, seed, at_border, finish):
    parameters = SegmentationParameters(
        do_3D=True, exclude_on_edges=at_border, postprocessing=finish
    )
    assert_same(volume(shape, seed), shape, parameters, side)


def test_doubt_is_about_the_whole_plane_not_a_block():
    flows, side = planes(1, (96, 96), 4), (1, 24, 24)
    clean = SegmentationParameters(postprocessing="clean", flow_threshold=0)
    clear = replace(flows, cellprob=3 * flows.cellprob)
    faint = replace(flows, dP=flows.dP / 3, cellprob=flows.cellprob / 4)
    for seen, is_left_out in ((clear, False), (faint, True)):
        found = both_ways(seen, (96, 96), clean, side, 4)
        assert_same(seen, (96, 96), clean, side)
        assert (found[1].doubtful > 0) == is_left_out
        assert bool(found[0].any()) != is_left_out


def test_there_are_cells_across_borders():
    flows = planes(1, (96, 96), 4)
    labels = assert_same(flows, (96, 96), SegmentationParameters(), (1, 24, 24))
    across = labels[23][(labels[23] > 0) & (labels[23] == labels[24])]
    assert len(np.unique(across)) >= 2


def test_a_cell_larger_than_blocks_is_one():
    labels = np.zeros((120, 120), np.uint32)
    y, x = np.mgrid[:120, :120]
    labels[(y - 60) ** 2 + (x - 60) ** 2 < 40**2] = 1
    labels[(y - 60) ** 2 + (x - 66) ** 2 < 8**2] = 0
    dP = 5 * flows_of_masks(labels, check)[:, None]
    cellprob = np.where(labels > 0, 5, -5)[None].astype(np.float32)
    flows = Flows(dP=dP, cellprob=cellprob, scale=0.2, diameter=80.0)
    parameters = SegmentationParameters(flow_threshold=0)
    found = assert_same(flows, (120, 120), parameters, (1, 20, 20))
    assert set(np.unique(found)) == {0, 1}


@pytest.mark.parametrize("size", [(61, 75), (33, 190)])
def test_masks_of_another_size_than_the_flows_are_the_same(size):
    flows = planes(1, (60, 80), 11)
    assert_same(flows, size, SegmentationParameters(), (1, 27, 27))


def test_what_is_there_is_not_done_again():
    flows = planes(1, (80, 80), 5)
    store, parameters = MemoryStore(), SegmentationParameters()

    def run(checkpoint):
        return masks_in_blocks(
            FlowsInMemory(flows),
            (80, 80),
            store,
            parameters,
            (1, 30, 30),
            5,
            checkpoint,
        )

    def report(done: int, *_: object) -> None:
        if done == 13:
            stop.stop()

    stop = Checkpoint(report)
    with pytest.raises(Cancelled):
        run(stop)
    there = dict(store.kept)
    assert 0 < len(there) < 36
    found, _ = run(Checkpoint())
    expected = FlowMaskMaker(flows, (80, 80)).masks(parameters, Checkpoint())
    np.testing.assert_array_equal(found.whole(), expected)
    assert all(store.kept[key] is kept for key, kept in there.items())
