"""Variations of an image: other microscopes, the same cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellpose_studio.core.models.training import TrainingParameters
from cellpose_studio.core.runs.parameters import GREY, Normalization
from cellpose_studio.engine.flows.prepare import network_input
from cellpose_studio.engine.training.augmentation import normalized_input, vary

EVERYTHING = {
    "shading": 1.0,
    "blur": 0.5,
    "noise": 1.0,
    "invert": 0.5,
    "mix_channels": 0.5,
    "stains": 1.0,
}


@pytest.fixture
def discs():
    """Bright discs of 16 px on a dark ground, in one channel."""
    y, x = np.mgrid[:96, :128] % 32 - 16
    return (100 + 900 * (np.hypot(y, x) < 8)).astype(np.float32)[None]


def variations(pixels, count=40, **options):
    parameters = TrainingParameters(**options)
    return [
        vary(pixels, 16.0, parameters, np.random.default_rng(n)) for n in range(count)
    ]


def sharpness(image):
    return float(np.abs(np.diff(image, axis=1)).max())


def test_without_variation_an_image_is_seen_as_in_a_run():
    pixels = np.random.default_rng(0).normal(size=(3, 40, 50)).astype(np.float32)
    expected = network_input((GREY,), pixels[:, None], Normalization(), together=False)
    np.testing.assert_array_equal(normalized_input(pixels), expected[0, :, :, 0])


def test_no_strength_changes_nothing_but_the_scale_of_brightness(discs):
    (same,) = variations(discs, count=1)
    np.testing.assert_allclose(same, normalized_input(discs), atol=1e-5)


def test_the_image_itself_stays_as_it_is(discs):
    before = discs.copy()
    variations(discs, **EVERYTHING)
    np.testing.assert_array_equal(discs, before)


def test_the_same_numbers_give_the_same_variation_and_others_another(discs):
    first, again = (variations(discs, 3, **EVERYTHING) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first[0], first[1])


def test_inverting_swaps_dark_and_bright(discs):
    cells = discs[0] > 500
    for image in variations(discs, 5, invert=1.0):
        assert image[cells].mean() < 0.1 < 0.9 < image[~cells].mean()


def test_cells_stay_brighter_than_the_ground_around_them_in_uneven_light(discs):
    cells = discs[0] > 500
    for image in variations(discs, shading=1.0):
        assert image[cells].mean() > image[~cells].mean() + 0.2


def test_blur_takes_sharpness_away_and_noise_adds_some(discs):
    blurred = [sharpness(image) for image in variations(discs, blur=0.5)]
    assert min(blurred) < 0.5 * sharpness(normalized_input(discs))
    assert max(blurred) <= sharpness(normalized_input(discs)) + 1e-5
    flat = discs[0, :8, :8]
    assert flat.std() == 0
    noise = [image[:8, :8].std() for image in variations(discs, noise=0.5)]
    assert max(noise) > 0.1


def test_an_image_with_hardly_anything_in_it_is_flat_as_in_a_run():
    few = np.zeros((1, 100, 100), np.float32)
    few[0, 4:8, 4:8] = 255
    assert not normalized_input(few).any()
    for image in variations(few, 5, blur=0.0, shading=0.5):
        assert np.abs(image).max() < 100


def test_how_often_says_how_often(discs):
    changed = [
        np.abs(i - normalized_input(discs)).max() > 0.01
        for i in variations(discs, noise=1)
    ]
    assert 10 < sum(changed) < 35


def test_channels_are_mixed_only_where_that_is_asked_for(discs):
    colours = np.concatenate([discs, discs[:, ::-1], np.roll(discs, 16, 2)])
    grey = normalized_input(colours)
    for image in variations(colours, 5):
        np.testing.assert_allclose(image, grey, atol=1e-5)
    mixed = variations(colours, 20, mix_channels=1.0)
    assert all(not np.allclose(image, grey, atol=0.01) for image in mixed)
    # No channel but those of the image: the ground of all of them stays dark.
    ground = (colours < 500).all(axis=0)
    assert all(np.abs(image[ground]).max() < 0.01 for image in mixed)


def test_more_or_less_of_a_dye_changes_stained_images_but_neither_glass_nor_grey_ones(
    discs,
):
    cells = discs[0] > 500
    haematoxylin, eosin = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]])
    density = np.where(cells, haematoxylin[:, None, None], 0.0)
    density[:, :48] += eosin[:, None, None] * 0.3
    density[:, :8] = 0
    stained = (255 * np.exp(-density)).astype(np.float32)
    before = normalized_input(stained)
    dyed = variations(stained, stains=1.0)
    assert sum(not np.allclose(one, before, atol=0.02) for one in dyed) > 10
    for image in dyed:
        assert np.abs(image[:8] - 1).max() < 1e-3
        assert (image[8:48][cells[8:48]] < image[8:48][~cells[8:48]].min()).all()
    for image in variations(discs, 5, stains=1.0):
        np.testing.assert_allclose(image, normalized_input(discs), atol=1e-5)


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.integers(1, 20), st.integers(1, 20)),
        elements=st.floats(-1e6, 1e6, width=32),
    ),
    st.integers(0, 2**32),
)
def test_any_image_gives_finite_numbers_of_its_own_size(pixels, seed):
    parameters = TrainingParameters(**EVERYTHING)
    image = vary(pixels, 12.0, parameters, np.random.default_rng(seed))
    assert image.shape == pixels.shape[1:]
    assert image.dtype == np.float32
    assert np.isfinite(image).all()


@pytest.mark.parametrize("options", [{}, EVERYTHING], ids=["plain", "everything"])
def test_what_is_no_number_is_dark_in_every_variation(discs, options):
    """The rim lies far below all others if it counts as 0, and takes the contrast."""
    pixels = np.concatenate([discs, discs]) + 20000
    bad = pixels.copy()
    bad[:, :6], bad[1, 50, 60], bad[0, 51, 61] = np.nan, np.inf, -np.inf
    hole = ~np.isfinite(bad).all(axis=0)
    for whole, seen in zip(
        variations(pixels, count=10, **options),
        variations(bad, count=10, **options),
        strict=True,
    ):
        assert not seen[hole].any()
        away = np.abs(seen - whole)[30:45]
        assert away.mean() < 0.1 * np.ptp(whole)


def test_without_a_single_number_nothing_is_seen(discs):
    for seen in variations(discs * np.nan, count=3, **EVERYTHING):
        assert not seen.any()
