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
    survey,
    with_inputs,
)
from cellpose_studio.engine.training.image_cache import ImageCache
from cellpose_studio.engine.training.warp import Placement, cut, cut_targets
from tests.engine.training.test_trainer import pair_of


def square(side: int, share: float = 1.0) -> TrainingImage:
    """One bright square cell in the middle of 64 x 64 pixels."""
    labels = np.zeros((64, 64), np.uint16)
    at = slice(32 - side // 2, 32 + side // 2)
    labels[at, at] = 1
    pixels = (labels[None] * 50 + 7).astype(np.float32)
    return TrainingImage(f"{side}", pixels, labels, share)


def crops_of(images, vary=False, **options):
    parameters = TrainingParameters(**{"bsize": 64, "widths": (2, 4), **options})
    pairs = [pair_of(image) for image in images]
    facts = survey(pairs, 0, Checkpoint())
    return TrainingCrops(
        ImageCache(pairs, 0, Checkpoint()),
        facts,
        parameters,
        scale_to=parameters.diam_mean,
        inputs=parameters.widths[0],
        vary=vary,
    )


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
    targets = crops.batch([0, 1], np.random.default_rng(0)).targets
    areas = (targets[:, 0] > 0.5).sum(dim=(1, 2)).numpy()
    assert np.sqrt(areas * 4 / np.pi) == pytest.approx([20, 20], rel=0.1)


def test_zoom_shows_them_larger_and_smaller_most_often_little():
    crops = crops_of([square(10)] * 200, diam_mean=10.0, scale_range=0.0, zoom=2.0)
    targets = crops.batch(list(range(200)), np.random.default_rng(0)).targets
    sizes = np.sqrt((targets[:, 0] > 0.5).sum(dim=(1, 2)).numpy()) / 10
    assert 0.4 < sizes.min() < 0.65
    assert 1.5 < sizes.max() < 2.2
    assert np.mean((sizes > 0.75) & (sizes < 1.35)) > 0.6
    assert np.median(sizes) == pytest.approx(1, abs=0.1)


def test_only_training_varies_what_is_seen():
    def black(vary):
        crops = crops_of([square(16)], vary, noise=1.0, scale_range=0.0)
        seen = [crops.batch([0], np.random.default_rng(n)).pixels for n in range(6)]
        return [float((pixels[0, 0] == 0).float().mean()) for pixels in seen]

    assert min(black(vary=False)) > 0.7
    assert min(black(vary=True)) < 0.4


def test_the_network_sees_grey_first_and_nothing_in_its_other_inputs():
    crops = crops_of([square(16)], widths=(3, 4))
    pixels = crops.batch([0], np.random.default_rng(0)).pixels
    assert pixels.shape == (1, 3, 64, 64)
    assert pixels[0, 0].max() == pytest.approx(1, abs=0.01)
    assert not pixels[0, 1:].any()
    grey = np.ones((4, 5), np.float32)
    assert with_inputs(grey, 2).sum(axis=(1, 2)).tolist() == [20, 0]


def test_the_diameter_is_that_of_a_circle_as_large():
    assert diameter_of(square(20).labels) == pytest.approx(20 * 2 / np.pi**0.5)
    assert diameter_of(square(2).labels) == 5.0
    assert diameter_of(np.zeros((8, 8), np.uint8)) is None


@pytest.mark.parametrize("seed", [1, 3])
def test_crops_lie_as_cellposes_own_augmentation_places_them(seed):
    from cellpose.transforms import random_rotate_and_resize

    y, x = np.indices((96, 96), np.float32)
    planes = np.stack([np.sin(y / 5) + np.cos(x / 7), y / 96, x / 96])
    # What Cellpose draws: scale, angle, flip, and the place along two axes.
    np.random.seed(seed)  # noqa: NPY002
    scale, angle, flip, *place = (np.random.rand() for _ in range(5))  # noqa: NPY002
    scale = 0.75 + 0.5 * scale
    room = max(0.0, 96 * scale - 64)
    placement = Placement(
        scale=scale,
        angle=360 * angle - 180,
        shift=tuple(room * (at - 0.5) for at in place),
        flipped=flip > 0.5,
    )
    np.random.seed(seed)  # noqa: NPY002
    images, flows, _ = random_rotate_and_resize(
        [planes[:1]], [planes], scale_range=0.5, bsize=64
    )
    inner = (slice(None), slice(16, -16), slice(16, -16))
    for found, expected in (
        (cut(planes[:1], 64, placement), images[0].numpy()),
        (cut_targets(planes, 64, placement), flows[0].numpy()),
    ):
        # OpenCV places pixels to a 32nd.
        np.testing.assert_allclose(found[inner], expected[inner], atol=0.02)


def test_what_is_ignored_turns_with_the_image():
    image = square(16)
    ignore = np.zeros((64, 64), bool)
    ignore[:32] = True
    part = TrainingImage("half", image.pixels, image.labels, 1.0, ignore)
    batch = crops_of([part], scale_range=0.0, diam_mean=18.0).batch(
        [0, 0], np.random.default_rng(0)
    )
    share = 1 - batch.counts.mean(dim=(1, 2)).numpy()
    assert share == pytest.approx(0.45, abs=0.12)
    assert crops_of([image]).batch([0], np.random.default_rng(0)).counts is None
