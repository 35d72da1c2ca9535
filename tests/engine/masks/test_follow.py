"""Where flows carry pixels, against Cellpose's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cellpose import dynamics
from scipy.ndimage import gaussian_filter

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.engine.masks import follow as module
from cellpose_studio.engine.masks.follow import follow

CPU = torch.device("cpu")


def field(*shape: int) -> tuple[np.ndarray, np.ndarray]:
    """A flow field of waves, and which pixels are in cells."""
    rng = np.random.default_rng(3)
    waves = [gaussian_filter(rng.normal(size=shape), 2) for _ in (*shape, 0)]
    dP = np.stack(waves[:-1]).astype(np.float32)
    return 4 * dP / dP.std(), waves[-1] > 0


def check() -> None:
    """Go on."""


@pytest.mark.parametrize("shape", [(40, 60), (60, 41), (9, 20, 30)], ids=str)
@pytest.mark.parametrize("steps", [1, 37])
@pytest.mark.parametrize("at_once", [1000, 10_000_000])
def test_pixels_end_where_cellpose_says(shape, steps, at_once, monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", {2: at_once, 3: at_once})
    dP, inside = field(*shape)
    points = np.nonzero(inside)
    expected = dynamics.follow_flows(dP * inside / 5.0, points, niter=steps)
    found, rested = follow(dP, points, steps, CPU, check)
    assert rested == steps
    assert found.dtype == torch.int32
    torch.testing.assert_close(found, expected.int(), rtol=0, atol=0)


def test_those_at_rest_take_no_more_steps(monkeypatch):
    labels = np.zeros((40, 90), int)
    labels[5:35, 4:40] = 1
    labels[12:20, 50:88] = 2
    dP = 5 * dynamics.masks_to_flows_gpu(labels)[0].astype(np.float32)
    points = np.nonzero(labels)
    taken = []
    sample = module.grid_sample
    monkeypatch.setattr(
        module, "grid_sample", lambda *a, **k: taken.append(1) or sample(*a, **k)
    )
    all_steps, _ = follow(dP, points, 2000, CPU, check)
    assert len(taken) == 2000
    taken.clear()
    found, rested = follow(dP, points, 2000, CPU, check, to_rest=True)
    assert len(taken) < 500
    assert 0 < rested == len(taken) - 100
    assert (found - all_steps).abs().max() <= 2


def test_one_pixel_is_enough():
    dP = np.full((2, 9, 9), 5, np.float32)
    found, _ = follow(dP, (np.array([4]), np.array([6])), 3, CPU, check)
    assert found.tolist() == [[4], [6]]


def test_a_stop_takes_effect_after_a_part_of_the_pixels(monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", {2: 1000})
    checkpoint = Checkpoint()
    calls = []

    def second_time_stop() -> None:
        calls.append(1)
        if len(calls) == 2:
            checkpoint.stop()
        checkpoint.check()

    dP, inside = field(40, 60)
    with pytest.raises(Cancelled):
        follow(dP, np.nonzero(inside), 10, CPU, second_time_stop)
    assert len(calls) == 2
