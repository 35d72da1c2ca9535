"""Masks from flows: Cellpose's own, and at once where only a threshold changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from cellpose import dynamics, utils
from scipy.ndimage import gaussian_filter

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.device import Device
from cellpose_studio.engine.masks import dynamics as module
from cellpose_studio.engine.masks.dynamics import FlowMaskMaker
from cellpose_studio.engine.masks.follow import follow

QUIET = Checkpoint()


def masks(flows: Flows, shape: tuple[int, ...] | None = None, **options) -> np.ndarray:
    maker = FlowMaskMaker(flows, shape or flows.cellprob.shape[1:])
    return maker.masks(SegmentationParameters(**options), QUIET)


def blurred(flows: Flows, seed: int = 4) -> Flows:
    """The flows of a network that errs: some cells fit badly, some fall apart."""
    rng = np.random.default_rng(seed)
    noise = [gaussian_filter(rng.normal(size=flows.dP.shape), (0, 0, 4, 4))]
    noise.append(gaussian_filter(rng.normal(size=flows.cellprob.shape), (0, 2, 2)))
    dP, cellprob = (n / n.std() for n in noise)
    return replace(
        flows,
        dP=(flows.dP + 2 * dP).astype(np.float32),
        cellprob=(flows.cellprob + 2 * cellprob).astype(np.float32),
    )


@pytest.fixture
def noisy(cell_flows):
    return blurred(cell_flows)


def test_perfect_flows_give_the_cells_back(cells, cell_flows):
    found = masks(cell_flows)
    assert found.dtype == np.uint32
    assert found.shape == cells.shape
    assert found.max() == cells.max()
    np.testing.assert_array_equal(found > 0, cells > 0)
    pairs = {*zip(found.ravel().tolist(), cells.ravel().tolist(), strict=True)}
    assert len(pairs) == cells.max() + 1


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"flow_threshold": 0.0},
        {"flow_threshold": 0.15},
        {"cellprob_threshold": 1.5},
        {"cellprob_threshold": -3.0},
        {"min_size": 95},
        {"min_size": -1},
        {"max_size_fraction": 0.02},
        {"niter": 15},
    ],
    ids=str,
)
def test_masks_are_cellposes(noisy, options):
    expected = dynamics.resize_and_compute_masks(
        noisy.dP[:, 0],
        noisy.cellprob[0],
        **{"niter": 200, "min_size": 15, "flow_threshold": 0.4, **options},
    )
    assert expected.max() > 3
    np.testing.assert_array_equal(masks(noisy, **options), expected)


def test_each_of_those_options_changes_something(noisy):
    default = masks(noisy)
    for options in (
        {"flow_threshold": 0.15},
        {"cellprob_threshold": 1.5},
        {"min_size": 95},
        {"max_size_fraction": 0.02},
        {"niter": 15},
    ):
        assert not np.array_equal(masks(noisy, **options), default), options


def test_steps_grow_as_the_image_is_larger_than_the_network_saw_it(noisy):
    found = masks(replace(noisy, scale=0.4))
    np.testing.assert_array_equal(found, masks(noisy, niter=500))
    assert not np.array_equal(found, masks(noisy, niter=3))


def test_flows_at_the_networks_size_give_masks_of_the_images(noisy):
    expected = dynamics.resize_and_compute_masks(
        noisy.dP[:, 0], noisy.cellprob[0], resize=(150, 200)
    )
    np.testing.assert_array_equal(masks(noisy, (150, 200)), expected)


@pytest.mark.parametrize("resize", [None, (5, 90, 120), (4, 130, 60)])
def test_volumes_give_cellposes_masks(cells, resize):
    flows = volume_flows(cells)
    found = masks(flows, resize or (4, 90, 120), min_size=30)
    expected = dynamics.resize_and_compute_masks(
        flows.dP, flows.cellprob, do_3D=True, min_size=30, resize=resize
    )
    np.testing.assert_array_equal(found, expected)
    assert found.max() > 5


def volume_flows(cells: np.ndarray) -> Flows:
    """Cells of four planes, with flows towards the middle plane, too."""
    stack = np.repeat(cells[None], 4, axis=0)
    yx = 5 * dynamics.masks_to_flows_gpu(cells.astype(int))[0]
    towards_middle = np.array([2.0, 1.0, -1.0, -2.0])[:, None, None]
    dP = np.stack([towards_middle * (stack > 0), *np.repeat(yx[:, None], 4, axis=1)])
    return blurred_a_little(
        Flows(
            dP=dP.astype("f4"),
            cellprob=np.where(stack > 0, 3, -3).astype("f4"),
            scale=1.0,
            diameter=12.0,
        )
    )


def blurred_a_little(flows: Flows) -> Flows:
    noise = np.random.default_rng(1).normal(size=flows.dP.shape).astype("f4")
    return replace(flows, dP=flows.dP + noise)


def test_the_flow_threshold_does_not_act_on_volumes(cells):
    flows = volume_flows(cells)
    shape = flows.cellprob.shape
    strict, off = (masks(flows, shape, flow_threshold=t) for t in (0.01, 0.0))
    np.testing.assert_array_equal(strict, off)


def test_planes_are_joined_as_in_cellpose(cells, cell_flows):
    flows = stack_of(cell_flows, 3)
    planes = [
        dynamics.resize_and_compute_masks(dP, cellprob, min_size=-1)
        for dP, cellprob in zip(flows.dP.swapaxes(0, 1), flows.cellprob, strict=True)
    ]
    expected = utils.stitch3D(np.stack(planes), 0.25)
    expected = utils.fill_holes_and_remove_small_masks(expected, min_size=150)
    found = masks(flows, (3, 90, 120), stitch_threshold=0.25, min_size=150)
    np.testing.assert_array_equal(found, expected)
    assert set(np.unique(found[0])) & set(np.unique(found[2])) > {0}


def stack_of(flows: Flows, planes: int, frames: int = 1) -> Flows:
    parts = [blurred(flows, seed) for seed in range(planes)]
    return replace(
        flows,
        dP=np.concatenate([part.dP for part in parts], axis=1),
        cellprob=np.concatenate([part.cellprob for part in parts]),
        frames=frames,
    )


def test_time_points_and_loose_planes_are_on_their_own(cell_flows):
    flows = stack_of(cell_flows, 4, frames=2)
    loose = masks(flows, (2, 2, 90, 120))
    alone = [
        masks(replace(flows, dP=flows.dP[:, [n]], cellprob=flows.cellprob[[n]]))
        for n in range(4)
    ]
    np.testing.assert_array_equal(loose.reshape(4, 90, 120), numbered_on(alone))


def numbered_on(parts: list[np.ndarray]) -> np.ndarray:
    """Return ``parts``, each numbered from where the one before it ended."""
    ends = np.cumsum([0, *(part.max() for part in parts)])
    return np.stack(
        [np.where(p > 0, p + end, 0) for p, end in zip(parts, ends, strict=False)]
    )


def test_planes_are_joined_within_a_time_point_only(cell_flows):
    flows = stack_of(cell_flows, 4, frames=2)
    joined = masks(flows, (2, 2, 90, 120), stitch_threshold=0.25)
    expected = []
    for part in (slice(0, 2), slice(2, 4)):
        alone = replace(
            flows, dP=flows.dP[:, part], cellprob=flows.cellprob[part], frames=1
        )
        expected.append(masks(alone, (2, 90, 120), stitch_threshold=0.25))
    np.testing.assert_array_equal(joined, numbered_on(expected))


def test_time_points_of_one_plane_are_not_joined(cell_flows):
    flows = stack_of(cell_flows, 3, frames=3)
    joined = masks(flows, (3, 90, 120), stitch_threshold=0.25)
    np.testing.assert_array_equal(joined, masks(flows, (3, 90, 120)))


@pytest.mark.parametrize("size", [(90, 120), (4, 90, 120)])
def test_cells_at_the_border_are_left_out_as_in_cellpose(cells, cell_flows, size):
    cells[60:90, 70:85] = 10
    flows = stack_of(cell_flows, 1) if len(size) == 2 else volume_flows(cells)
    expected = utils.remove_edge_masks(masks(flows, size).astype(int))
    found = masks(flows, size, exclude_on_edges=True)
    np.testing.assert_array_equal(found, expected)


def test_a_cell_at_the_border_of_a_plane_is_left_out():
    labels = np.zeros((4, 40, 40), int)
    labels[0, 5:15, 0:10] = labels[1, 0:10, 5:15] = 1
    labels[2, 30:40, 5:15] = labels[3, 5:15, 5:15] = 1
    labels[:, 20:28, 20:28] = 2
    planes = [5 * dynamics.masks_to_flows_gpu(plane)[0] for plane in labels]
    cellprob = np.where(labels > 0, 4, -4).astype("f4")
    flows = Flows(
        dP=np.stack(planes, 1).astype("f4"), cellprob=cellprob, scale=1.0, diameter=10.0
    )
    found = masks(flows, (4, 40, 40), exclude_on_edges=True)
    assert found.max(axis=(1, 2)).tolist() == [1, 2, 3, 5]


@pytest.mark.parametrize("volume", [False, True])
@pytest.mark.parametrize("probable", [False, True])
def test_without_cells_masks_are_empty(volume, probable):
    """Pixels that go nowhere gather nowhere, too."""
    cellprob = np.full((3, 30, 40), 4.0 if probable else -4.0, np.float32)
    flows = Flows(
        dP=np.zeros((2 + volume, 3, 30, 40), np.float32),
        cellprob=cellprob,
        scale=1.0,
        diameter=30.0,
    )
    for options in ({}, {"stitch_threshold": 0.5}, {"exclude_on_edges": True}):
        found = masks(flows, (3, 30, 40), **options)
        assert found.shape == (3, 30, 40)
        assert found.dtype == np.uint32
        assert not found.any()


def test_thresholds_act_on_what_is_kept_and_give_what_a_fresh_run_gives(
    noisy, monkeypatch
):
    runs = []
    for name in ("cells_at", "flow_errors"):
        real = getattr(module, name)
        monkeypatch.setattr(
            module,
            name,
            lambda *a, real=real, name=name, **k: runs.append(name) or real(*a, **k),
        )
    maker = FlowMaskMaker(noisy, (90, 120))

    def again(**options) -> list[str]:
        runs.clear()
        found = maker.masks(SegmentationParameters(**options), QUIET)
        ran = list(runs)
        np.testing.assert_array_equal(found, masks(noisy, **options))
        return ran

    assert again() == ["cells_at", "flow_errors"]
    assert again(flow_threshold=0.1) == []
    assert again(flow_threshold=3.0) == []
    assert again(flow_threshold=0.0) == []
    assert again(min_size=200) == []
    assert again(exclude_on_edges=True) == []
    assert again() == []
    assert again(cellprob_threshold=1.0) == ["cells_at", "flow_errors"]
    assert again(cellprob_threshold=1.0, flow_threshold=0.0) == []
    assert again(niter=30, flow_threshold=0.0) == ["cells_at"]


def test_of_large_stacks_it_is_not_kept_where_pixels_end(cell_flows, monkeypatch):
    flows = stack_of(cell_flows, 2)
    maker = FlowMaskMaker(flows, (2, 90, 120))
    options = ({}, {"cellprob_threshold": 1.0})
    kept = [maker.masks(SegmentationParameters(**o), QUIET) for o in options]
    assert len(maker._ends) == 2
    monkeypatch.setattr(module, "_MOST_KEPT", flows.cellprob.size - 1)
    maker = FlowMaskMaker(flows, (2, 90, 120))
    for one, given in zip(kept, options, strict=True):
        found = maker.masks(SegmentationParameters(**given), QUIET)
        np.testing.assert_array_equal(found, one)
    assert not maker._ends


def test_masks_are_the_callers_to_change(noisy):
    maker = FlowMaskMaker(noisy, (90, 120))
    first = maker.masks(SegmentationParameters(), QUIET)
    before = first.copy()
    first[:] = 9
    np.testing.assert_array_equal(maker.masks(SegmentationParameters(), QUIET), before)


def test_the_flows_stay_as_they_are(noisy):
    dP, cellprob = noisy.dP.copy(), noisy.cellprob.copy()
    masks(noisy, min_size=100)
    np.testing.assert_array_equal(noisy.dP, dP)
    np.testing.assert_array_equal(noisy.cellprob, cellprob)


def test_planes_are_reported_as_they_are_done(cell_flows):
    reports = []
    maker = FlowMaskMaker(stack_of(cell_flows, 3), (3, 90, 120))
    checkpoint = Checkpoint(lambda *report: reports.append(report))
    maker.masks(SegmentationParameters(), checkpoint)
    assert reports == [(n, 3, "masks") for n in range(4)]


def test_after_a_stop_the_planes_that_are_done_need_not_be_done_again(cell_flows):
    flows = stack_of(cell_flows, 3)
    maker = FlowMaskMaker(flows, (3, 90, 120))
    checkpoint = Checkpoint(lambda done, *_: done == 2 and checkpoint.stop())
    with pytest.raises(Cancelled):
        maker.masks(SegmentationParameters(), checkpoint)
    assert sorted(maker._candidates) == [0, 1]
    found = maker.masks(SegmentationParameters(), QUIET)
    np.testing.assert_array_equal(found, masks(flows, (3, 90, 120)))


def test_without_room_on_the_gpu_the_cpu_makes_the_masks(noisy, monkeypatch):
    devices = []

    def on_a_full_gpu(dP, points, steps, device, check, to_rest):
        devices.append(str(device))
        raise torch.OutOfMemoryError

    monkeypatch.setattr(module, "follow", on_a_full_gpu)
    maker = FlowMaskMaker(noisy, (90, 120), Device("cuda:0", "Little GPU"))
    found = maker.masks(SegmentationParameters(), QUIET)
    assert devices == ["cuda:0"]
    assert maker.fell_back
    np.testing.assert_array_equal(found, masks(noisy))


def test_a_device_gives_the_masks_of_the_cpu(noisy, monkeypatch):
    def on_the_cpu(dP, points, steps, device, check, to_rest):
        return follow(dP, points, steps, torch.device("cpu"), check, to_rest)

    monkeypatch.setattr(module, "follow", on_the_cpu)
    maker = FlowMaskMaker(noisy, (90, 120), Device("cuda:0", "GPU"))
    found = maker.masks(SegmentationParameters(), QUIET)
    np.testing.assert_array_equal(found, masks(noisy))


def sure_of(flows, shape=None, **options):
    """Return masks, and how sure their maker is of them."""
    maker = FlowMaskMaker(flows, shape or flows.cellprob.shape[1:])
    parameters = SegmentationParameters(**options)
    labels = maker.masks(parameters, QUIET)
    return labels, maker.confidence(labels, parameters, QUIET)


def test_perfect_flows_leave_no_uncertainty(cell_flows):
    labels, sure = sure_of(cell_flows)
    assert sure.ids.tolist() == list(range(1, int(labels.max()) + 1))
    assert sure.pixels.tolist() == np.bincount(labels.ravel())[1:].tolist()
    assert sure.flow_errors.max() < 0.05
    assert not sure.uncertain.any()
    assert (sure.candidates, sure.misfits) == (len(sure.ids), 0)


@pytest.mark.parametrize("threshold", [0.0, 0.4, 3.0])
def test_uncertainty_is_what_cellposes_own_measure_says(noisy, threshold):
    labels, sure = sure_of(noisy, flow_threshold=threshold, min_size=0)
    expected = dynamics.flow_error(labels.astype(np.int32), noisy.dP[:, 0])[0]
    # Holes that were filled had no flows of their own.
    np.testing.assert_allclose(sure.flow_errors, expected, atol=0.08)
    assert np.median(np.abs(sure.flow_errors - expected)) < 1e-3
    chance = 1 / (1 + np.exp(-noisy.cellprob[0]))
    for n, cell in enumerate(sure.ids):
        assert sure.probabilities[n] == pytest.approx(chance[labels == cell].mean())
    everything = sure_of(noisy, flow_threshold=0.0, min_size=0)[1]
    assert sure.candidates == everything.candidates >= len(sure.ids)
    assert sure.misfits == np.count_nonzero(everything.flow_errors > 0.4)
    assert 0 < sure.misfits < sure.candidates


def test_cells_over_several_planes_have_the_mean_of_all(cell_flows):
    planes = replace(
        cell_flows,
        dP=np.repeat(cell_flows.dP, 3, axis=1),
        cellprob=np.repeat(cell_flows.cellprob, 3, axis=0),
    )
    labels, sure = sure_of(planes, (3, 90, 120), stitch_threshold=0.5)
    assert sure.pixels.tolist() == np.bincount(labels.ravel())[1:].tolist()
    assert sure.flow_errors.max() < 0.05
    assert sure.candidates == 3 * len(sure.ids)


def test_masks_larger_than_their_flows_are_measured_on_the_flows(cell_flows):
    _, sure = sure_of(cell_flows, (180, 240))
    small = sure_of(cell_flows)[1]
    np.testing.assert_allclose(sure.flow_errors, small.flow_errors, atol=1e-6)
    np.testing.assert_allclose(sure.probabilities, small.probabilities, atol=1e-6)
    np.testing.assert_allclose(sure.pixels, 4 * small.pixels)


def test_volumes_have_probabilities_but_no_flow_errors():
    cellprob = np.full((6, 20, 20), -4.0, np.float32)
    cellprob[2:5, 6:13, 6:13] = 2.0
    z, y, x = np.indices(cellprob.shape)
    dP = 5 * np.stack([3 - z, 9 - y, 9 - x]).astype(np.float32)
    dP /= np.maximum(np.linalg.norm(dP, axis=0) / 5, 1)
    labels, sure = sure_of(
        Flows(dP=dP, cellprob=cellprob, scale=1.0, diameter=7.0), (6, 20, 20)
    )
    assert labels.max() == len(sure.ids) == 1
    assert np.isnan(sure.flow_errors).all()
    assert sure.probabilities == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-5)
    assert (sure.misfits, sure.uncertain.any()) == (0, False)


def test_no_cells_are_no_uncertainty(cell_flows):
    _, sure = sure_of(cell_flows, cellprob_threshold=6.0)
    assert (len(sure.ids), sure.candidates, sure.misfits) == (0, 0, 0)
