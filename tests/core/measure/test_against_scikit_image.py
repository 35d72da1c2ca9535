from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import regionprops

from cellpose_studio.core.measure.inputs import Channel
from cellpose_studio.core.measure.measure import measure_cells
from cellpose_studio.core.measure.scale import Scale

ISOTROPIC = Scale()

SAME = {
    "axis_major_px": "axis_major_length",
    "axis_minor_px": "axis_minor_length",
    "solidity": "solidity",
    "feret_px": "feret_diameter_max",
    "mean_dna": "intensity_mean",
    "min_dna": "intensity_min",
    "max_dna": "intensity_max",
    "sd_dna": "intensity_std",
    "median_dna": "intensity_median",
}
IN_A_PLANE = {
    "area_px": "area",
    "eccentricity": "eccentricity",
    "perimeter_px": "perimeter_crofton",
}


def blobs(shape, cells, seed):
    """Return random ellipses or ellipsoids that hide parts of each other."""
    random = np.random.default_rng(seed)
    grid = np.indices(shape)
    labels = np.zeros(shape, np.uint32)
    for cell in range(1, cells + 1):
        centre = random.uniform(0, shape)
        radii = random.uniform(0.3, [n / 3 for n in shape])
        off = (grid.T - centre) / radii
        labels[(off**2).sum(axis=-1).T <= 1] = 3 * cell
    return labels


def compare(labels, pixels, scale=ISOTROPIC, same=SAME, **options):
    found = measure_cells(
        labels, [Channel(pixels=pixels, name="dna")], scale=scale, **options
    )
    steps = scale.steps[-labels.ndim :]
    expected = regionprops(labels.astype(np.int64), pixels, spacing=steps)
    assert found.ids.tolist() == [one.label for one in expected]
    names = "zyx"[-labels.ndim :]
    for axis, letter in enumerate(names):
        indices = [one.centroid[axis] / steps[axis] for one in expected]
        assert found.values[f"centroid_{letter}_px"] == pytest.approx(indices)
        for end, at in (("min", axis), ("max", axis + labels.ndim)):
            values = found.values[f"bbox_{letter}_{end}_px"]
            assert values.tolist() == [one.bbox[at] for one in expected]
    for name, other in same.items():
        with warnings.catch_warnings():
            # scikit-image warns where it finds no hull in space.
            warnings.simplefilter("ignore")
            values = [_or_nan(one, other) for one in expected]
        ours = found.values[name]
        assert np.isfinite(ours).all()
        known = np.isfinite(values)
        np.testing.assert_allclose(
            ours[known], np.array(values)[known], rtol=1e-7, atol=1e-6, err_msg=name
        )
    return found, expected


def _or_nan(region, name):
    try:
        return getattr(region, name)
    except (ValueError, RuntimeError):
        return np.nan


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.uint32, st.tuples(st.integers(1, 9), st.integers(1, 9)),
           elements=st.integers(0, 3)),
    st.integers(0, 2**32),
)  # fmt: skip
def test_ragged_cells_in_a_plane(labels, seed):
    pixels = np.random.default_rng(seed).integers(0, 65536, labels.shape, np.uint16)
    compare(labels, pixels, same=SAME | IN_A_PLANE)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([np.uint8, np.int16, np.float64]))
def test_round_cells_in_a_plane(seed, dtype):
    labels = blobs((60, 80), 20, seed)
    pixels = np.random.default_rng(seed).normal(100, 20, labels.shape).astype(dtype)
    compare(labels, pixels, same=SAME | IN_A_PLANE, slab=80 * 7)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([1.0, 2.5, 0.7]))
def test_cells_in_a_stack(seed, step):
    labels = blobs((9, 20, 24), 6, seed)
    pixels = np.random.default_rng(seed).integers(0, 65536, labels.shape, np.uint16)
    scale = Scale(steps=(step, 1.0, 1.5))
    found, expected = compare(labels, pixels, scale, slab=20 * 24 * 2)
    assert found.values["volume_voxels"].tolist() == [
        one.num_pixels for one in expected
    ]
