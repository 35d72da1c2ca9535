"""Where pixels end, for one threshold after another, against Cellpose's."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from cellpose import dynamics
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from torch.nn.functional import grid_sample

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.engine.masks import ends as module
from cellpose_studio.engine.masks.ends import PixelEnds
from cellpose_studio.engine.masks.gather import cells_at
from cellpose_studio.engine.threads import torch_threads, use_threads

THRESHOLDS = st.lists(st.floats(-4, 4, width=32), min_size=1, max_size=4)


def field(shape: tuple[int, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A flow field of waves, and a cell probability that is independent of it."""
    rng = np.random.default_rng(seed)
    waves = [gaussian_filter(rng.normal(size=shape), 2) for _ in (*shape, 0)]
    scaled = [wave / wave.std() for wave in waves]
    return 4 * np.stack(scaled[:-1]).astype("f4"), 3 * scaled[-1].astype("f4")


def check() -> None:
    """Go on."""


def cellposes(dP, cellprob, threshold, steps):
    """Return where Cellpose carries pixels, and its cells, or None without pixels."""
    inside = cellprob > threshold
    points = np.nonzero(inside)
    if not len(points[0]):
        return inside, None, np.zeros(cellprob.shape, int)
    ends = dynamics.follow_flows(dP * inside / 5.0, points, niter=steps).int()
    flat = np.ravel_multi_index(ends.numpy(), cellprob.shape)
    return inside, flat, dynamics.get_masks_torch(ends, points, cellprob.shape)


@pytest.mark.parametrize("shape", [(60, 41), (9, 20, 30)], ids=str)
@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 999), steps=st.sampled_from([1, 7, 200]), thresholds=THRESHOLDS
)
def test_they_are_cellposes_whatever_the_threshold_was_before(
    shape, seed, steps, thresholds
):
    dP, cellprob = field(shape, seed)
    ends = PixelEnds(dP, cellprob)
    for threshold in thresholds:
        inside, expected, cells = cellposes(dP, cellprob, threshold, steps)
        found = ends.at(threshold, steps, check)
        if expected is not None:
            # Some compilers round twice where others round once, so that a pixel
            # between two cells may go the other way.
            assert np.mean(found[inside.reshape(-1)] != expected) <= 0.002
            again = PixelEnds(dP, cellprob).at(threshold, steps, check)
            np.testing.assert_array_equal(
                found[inside.reshape(-1)], again[inside.reshape(-1)]
            )
        gathered = cells_at(found, cellprob, threshold, 0.4)
        assert np.mean(gathered != cells) <= 0.002
        assert gathered.dtype == np.uint16


def test_a_small_change_of_the_threshold_carries_few_pixels_again(monkeypatch):
    dP, cellprob = field((60, 41), 3)
    carried = []
    real = module.trajectories.carry
    monkeypatch.setattr(
        module.trajectories, "carry", lambda *a: carried.append(len(a[6])) or real(*a)
    )
    ends = PixelEnds(dP, cellprob)
    ends.at(0.0, 100, check)
    ends.at(0.125, 100, check)
    whole, again = carried
    assert whole == np.count_nonzero(cellprob > 0)
    assert 0 < again < whole / 2
    ends.at(0.125, 200, check)
    assert carried[2] == np.count_nonzero(cellprob > 0.125)


def still_moving(dP, cellprob, steps):
    """Return after how many steps no pixel is further from its end than 1.5 px."""
    points = np.nonzero(cellprob > 0)
    sides = torch.tensor(dP.shape[:0:-1]) - 1
    field = torch.from_numpy(dP[::-1] * (cellprob > 0) / 5)
    field = field.float() * (2 / sides).view(-1, 1, 1)
    at = torch.from_numpy(np.stack(points[::-1], -1)).float() / sides * 2 - 1
    way = [at]
    for _ in range(steps):
        step = grid_sample(field[None], way[-1][None, None], align_corners=False)
        way.append((way[-1] + step.view(2, -1).T).clamp(-1, 1))
    far = ((torch.stack(way) - way[-1]).abs() * sides / 2).amax((1, 2)) >= 1.5
    return int(far.nonzero().max()) + 1


def test_the_step_after_which_the_last_pixel_is_at_rest_is_known():
    labels = np.zeros((40, 150), int)
    labels[5:35, 4:40], labels[12:20, 50:148] = 1, 2
    dP = 5 * dynamics.masks_to_flows_gpu(labels)[0].astype(np.float32)
    cellprob = np.where(labels, np.float32(4), np.float32(-4))
    needed = still_moving(dP, cellprob, 1000)
    ends = PixelEnds(dP, cellprob)
    ends.at(0.0, 1000, check)
    assert needed <= ends.rested <= 1.25 * needed + 4
    ends.at(0.0, 9, check)
    assert ends.rested == 9
    still = PixelEnds(np.zeros_like(dP), cellprob)
    still.at(0.0, 1000, check)
    assert still.rested == 0


def test_other_steps_need_all_pixels_again():
    dP, cellprob = field((60, 41), 3)
    ends = PixelEnds(dP, cellprob)
    ends.at(0.0, 200, check)
    found = ends.at(0.0, 3, check)
    inside = (cellprob > 0).reshape(-1)
    expected = PixelEnds(dP, cellprob).at(0.0, 3, check)
    np.testing.assert_array_equal(found[inside], expected[inside])


@pytest.mark.parametrize("shape", [(1, 30), (30, 1), (1, 1), (1, 5, 6), (4, 1, 7)])
def test_sides_of_one_pixel_lead_nowhere(shape):
    dP = np.ones((len(shape), *shape), np.float32)
    found = PixelEnds(dP, np.ones(shape, np.float32)).at(0.0, 50, check)
    places = np.stack(np.unravel_index(found, shape))
    own = np.stack(np.unravel_index(np.arange(np.prod(shape)), shape))
    for axis, side in enumerate(shape):
        assert (places[axis] == own[axis]).all() == (side == 1)


def test_flows_that_are_no_numbers_lead_nowhere():
    dP, cellprob = field((40, 50), 1)
    dP[:, 10:20] = np.nan
    dP[:, 30:] = np.inf
    cellprob[5] = np.nan
    found = PixelEnds(dP, cellprob).at(0.0, 200, check)
    assert (found >= 0).all()
    assert (found < 2000).all()


def test_a_stop_takes_effect_after_a_part_of_the_pixels(monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", 1000)
    checkpoint = Checkpoint()
    parts = []
    real = module.trajectories.carry

    def stop_in_the_third(*arguments) -> None:
        parts.append(threading.current_thread())
        if len(parts) == 3:
            checkpoint.stop()
        real(*arguments)

    monkeypatch.setattr(module.trajectories, "carry", stop_in_the_third)
    dP, cellprob = field((60, 41), 3)
    ends = PixelEnds(dP, cellprob)
    with pytest.raises(Cancelled):
        ends.at(0.0, 10, checkpoint.check)
    assert 3 <= len(parts) < 100
    monkeypatch.setattr(module.trajectories, "carry", real)
    inside = (cellprob > 0).reshape(-1)
    expected = PixelEnds(dP, cellprob).at(0.0, 10, check)
    np.testing.assert_array_equal(ends.at(0.0, 10, check)[inside], expected[inside])


def test_the_number_of_threads_changes_nothing(monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", 10_000)
    dP, cellprob = field((60, 41), 3)
    before = torch_threads()
    found = []
    try:
        for threads in (1, 3):
            use_threads(threads)
            found.append(PixelEnds(dP, cellprob).at(0.0, 100, check))
    finally:
        use_threads(before)
    np.testing.assert_array_equal(*found)
    assert torch.get_num_threads() == before
