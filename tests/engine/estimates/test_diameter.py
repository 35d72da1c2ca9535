"""Measuring the diameter with a network that finds what is bright."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from cellpose import dynamics, utils
from torch import Tensor, nn

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.estimates.diameter import measure_diameter, median_diameter
from cellpose_studio.engine.networks.size_model import SizeModel


class FindsBrightCells(nn.Module):
    """Gives the exact flows of connected bright pixels; counts how often it ran."""

    runs = 0

    def __init__(self, logit: float = 4.0) -> None:
        super().__init__()
        self.logit = logit
        # A network has weights, whose type its input gets.
        self.scale = nn.Parameter(torch.ones(1), requires_grad=False)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        from scipy.ndimage import label

        self.runs += 1
        outputs = []
        for plane in pixels[:, 0].numpy():
            cells = label(plane > 0.5)[0]
            dP = 5 * dynamics.masks_to_flows_gpu(cells)[0]
            outputs.append(np.stack([*dP, np.where(cells > 0, self.logit, -4.0)]))
        return torch.from_numpy(np.stack(outputs)).float(), pixels[:, :, 0, 0]


class TakesSmallCellsForOthers(FindsBrightCells):
    """Is sure of cells that are wide enough; else it finds unsure blotches."""

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        widest = max(areas(plane).max(initial=0) for plane in pixels[:, 0].numpy())
        self.logit = 4.0 if widest > 100 else 0.5
        if widest <= 100:
            blotches = discs(24.0, pixels.shape[-2:])[..., 0]
            pixels = torch.from_numpy(blotches)[None, None].expand_as(pixels)
        return super().forward(pixels)


def areas(plane: np.ndarray) -> np.ndarray:
    from scipy.ndimage import label

    return np.bincount(label(plane > 0.5)[0].ravel())[1:]


@pytest.fixture
def network(unet):
    return replace(unet, module=FindsBrightCells(), blocks=())


def discs(diameter: float, shape: tuple[int, int] = (160, 200)) -> np.ndarray:
    """A bright disc in each square of a grid, as (Y, X, 2)."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    pitch = 1.5 * diameter
    away = np.hypot(y % pitch - pitch / 2, x % pitch - pitch / 2)
    plane = np.zeros((*shape, 2), np.float32)
    plane[..., 0] = away <= diameter / 2
    return plane


def measured(network, plane, checkpoint=None, **options) -> float:
    parameters = SegmentationParameters(**options)
    return measure_diameter(network, plane, parameters, checkpoint or Checkpoint())


@pytest.mark.parametrize("diameter", [9.0, 24.0, 45.0])
def test_the_diameter_of_the_cells_is_found(network, diameter):
    assert measured(network, discs(diameter)) == pytest.approx(diameter, rel=0.1)


def test_masks_of_the_networks_size_measure_the_same(network):
    found = measured(network, discs(30.0), resample=False)
    assert found == pytest.approx(30, rel=0.1)


def test_thresholds_of_the_run_do_not_change_the_diameter(network):
    plane = discs(16.0)
    usual = measured(network, plane)
    assert usual == pytest.approx(16, rel=0.1)
    for tuned in ({"cellprob_threshold": 5.0}, {"min_size": 600}):
        assert measured(network, plane, **tuned) == usual
    # Where there are no cells at the usual ones, those of the run count.
    unsure = replace(network, module=FindsBrightCells(-1.0))
    assert measured(unsure, plane) == network.spec.diam_labels
    found = measured(unsure, plane, cellprob_threshold=-2.0)
    assert found == pytest.approx(usual, rel=0.1)


def test_when_it_has_settled_no_further_round_is_run(network):
    rounds = []
    checkpoint = Checkpoint(lambda *report: rounds.append(report))
    measured(network, discs(24.0), checkpoint)
    assert rounds == [(0, 3, "measuring the diameter")]
    assert network.module.runs == 1


def test_of_too_few_cells_the_models_own_diameter_is_taken(network):
    plane = discs(24.0)
    plane[:, 36:] = 0
    plane[72:] = 0
    assert measured(network, plane) == network.spec.diam_labels == 24.0
    assert measured(network, np.zeros_like(plane)) == 24.0


def test_specks_are_not_enlarged_until_memory_runs_out(network):
    plane = np.zeros((64, 64, 2), np.float32)
    for y, x in np.ndindex(3, 3):
        plane[4 + y :: 16, 4 + x :: 16, 0] = 1
    spec = network.spec.model_copy(update={"diam_labels": 9.0})
    small = {"min_size": 0, "resample": False}
    assert measured(replace(network, spec=spec), plane, **small) == 5


def test_of_a_large_image_the_middle_is_looked_at(network):
    plane = np.zeros((1200, 1100, 2), np.float32)
    middle = discs(20.0, (100, 100))
    plane[550:650, 500:600] = middle
    plane[:80, :, :] = discs(60.0, (80, 1100))
    assert measured(network, plane) == pytest.approx(20, rel=0.1)


def test_a_stop_takes_effect_in_the_next_tile(network):
    checkpoint = Checkpoint()
    checkpoint.stop()
    with pytest.raises(Cancelled):
        measured(network, discs(24.0), checkpoint)
    assert network.module.runs == 0


def test_the_median_is_cellposes():
    labels = np.zeros((40, 40), np.uint32)
    labels[:3, :3], labels[5:15, 5:15], labels[20:40, 20:40] = 1, 4, 7
    assert median_diameter(labels) == pytest.approx(utils.diameters(labels)[0])
    labels[labels == 7] = 0
    assert median_diameter(labels) is None


def guessing(network, diameter: float):
    """The network with a size model that always guesses ``diameter``."""
    log = float(np.log(diameter / network.spec.diam_mean))
    return replace(
        network,
        sizes=SizeModel(
            weights=np.zeros(2),
            mean_style=np.zeros(2),
            mean_log=log,
            diam_mean=network.spec.diam_mean,
        ),
    )


class FindsNothing(FindsBrightCells):
    """Sees no cells, whatever it is shown."""

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(0 * pixels)


def test_the_guess_of_the_size_model_saves_rounds(network):
    near = guessing(network, 24.0)
    assert measured(near, discs(24.0)) == pytest.approx(24, rel=0.1)
    far = replace(network, module=FindsBrightCells())
    assert measured(far, discs(60.0, (300, 300))) == pytest.approx(60, rel=0.1)
    # The style, and a single round.
    assert near.module.runs == 2 <= far.module.runs


def test_without_cells_the_guess_stands(network):
    blind = replace(guessing(network, 44.0), module=FindsNothing())
    assert measured(blind, discs(20.0)) == pytest.approx(44.0)


def test_of_a_large_image_a_part_is_measured_that_the_network_is_quick_with(network):
    seen = []
    network.module.register_forward_pre_hook(lambda _, x: seen.append(x[0].shape))
    small = guessing(network, 8.0)
    assert measured(small, discs(8.0, (1500, 1500))) == pytest.approx(8, rel=0.15)
    tiles = sum(shape[0] for shape in seen[1:])
    assert tiles <= 36 * 3


def test_a_wrong_guess_that_leads_to_uncertain_cells_is_not_the_end(network):
    plane = discs(24.0)
    module = TakesSmallCellsForOthers()
    misled = guessing(replace(network, module=module), 90.0)
    assert measured(misled, plane) == pytest.approx(24, rel=0.1)
    # If its own diameter leads to no better cells, it says nothing more.
    tiny = discs(6.0)
    assert measured(misled, tiny) == pytest.approx(90, rel=0.2)
