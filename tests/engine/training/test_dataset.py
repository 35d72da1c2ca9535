"""The crops that a network is trained on."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.training import TrainingImage, TrainingParameters
from cellpose_studio.engine.training.dataset import (
    TrainingCrops,
    diameter_of,
    with_inputs,
)


def square(side: int, share: float = 1.0) -> TrainingImage:
    """One bright square cell in the middle of 64 x 64 pixels."""
    labels = np.zeros((64, 64), np.uint16)
    at = slice(32 - side // 2, 32 + side // 2)
    labels[at, at] = 1
    pixels = (labels[None] * 50 + 7).astype(np.float32)
    return TrainingImage(f"{side}", pixels, labels, share)


def crops_of(images, vary=False, **options):
    parameters = TrainingParameters(**{"bsize": 64, "widths": (2, 4), **options})
    return TrainingCrops(images, parameters, Checkpoint(), vary)


def drawn(crops, epochs=1) -> Counter[int]:
    rng = np.random.default_rng(0)
    return Counter(int(i) for _ in range(epochs) for i in crops.epoch(rng))


def test_an_epoch_is_every_image_once():
    assert drawn(crops_of([square(8), square(10), square(12)])) == {0: 1, 1: 1, 2: 1}


@pytest.mark.parametrize(("wanted", "least", "most"), [(2, 0, 1), (7, 1, 7)])
def test_an_epoch_can_have_fewer_or_more_images(wanted, least, most):
    images = [square(8), square(10), square(12)]
    times = drawn(crops_of(images, nimg_per_epoch=wanted))
    assert sum(times.values()) == wanted
    assert all(least <= times[n] <= most for n in range(3))


def test_shares_say_how_often_an_image_is_drawn():
    images = [square(8, 0.7), square(10, 0.2), square(12, 0.1), square(14, 0.0)]
    times = drawn(crops_of(images, nimg_per_epoch=100), epochs=50)
    assert sum(times.values()) == 5000
    assert [times[n] / 5000 for n in range(4)] == pytest.approx(
        [0.7, 0.2, 0.1, 0], abs=0.03
    )


def test_cells_come_at_the_diameter_of_the_network():
    crops = crops_of([square(10), square(30)], diam_mean=20.0, scale_range=0.0)
    _, targets = crops.crops([0, 1], np.random.default_rng(0))
    areas = (targets[:, 0] > 0.5).sum(dim=(1, 2)).numpy()
    assert np.sqrt(areas * 4 / np.pi) == pytest.approx([20, 20], rel=0.1)


def test_zoom_shows_them_larger_and_smaller_most_often_little():
    crops = crops_of([square(10)] * 200, diam_mean=10.0, scale_range=0.0, zoom=2.0)
    _, targets = crops.crops(list(range(200)), np.random.default_rng(0))
    sizes = np.sqrt((targets[:, 0] > 0.5).sum(dim=(1, 2)).numpy()) / 10
    assert 0.4 < sizes.min() < 0.65
    assert 1.5 < sizes.max() < 2.2
    assert np.mean((sizes > 0.75) & (sizes < 1.35)) > 0.6
    assert np.median(sizes) == pytest.approx(1, abs=0.1)


def test_only_training_varies_what_is_seen():
    def black(vary):
        crops = crops_of([square(16)], vary, noise=1.0, scale_range=0.0)
        seen = [crops.crops([0], np.random.default_rng(n))[0] for n in range(6)]
        return [float((pixels[0, 0] == 0).float().mean()) for pixels in seen]

    assert min(black(vary=False)) > 0.7
    assert min(black(vary=True)) < 0.4


def test_the_network_sees_grey_first_and_nothing_in_its_other_inputs():
    crops = crops_of([square(16)], widths=(3, 4))
    pixels, _ = crops.crops([0], np.random.default_rng(0))
    assert pixels.shape == (1, 3, 64, 64)
    assert pixels[0, 0].max() == pytest.approx(1, abs=0.01)
    assert not pixels[0, 1:].any()
    grey = np.ones((4, 5), np.float32)
    assert with_inputs(grey, 2).sum(axis=(1, 2)).tolist() == [20, 0]


def test_the_diameter_is_that_of_a_circle_as_large():
    assert diameter_of(square(20).labels) == pytest.approx(20 * 2 / np.pi**0.5)
    assert diameter_of(square(2).labels) == 5.0
    assert diameter_of(np.zeros((8, 8), np.uint8)) is None
