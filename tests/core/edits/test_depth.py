"""How deep a pixel lies is what SciPy says, and the loops can be stopped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.edits.depth import depth
from cellpose_studio.core.edits.geodesic import geodesic_distance


class Deaf(Checkpoint):
    """Stopped, but only loops that look at its flag notice."""

    def __init__(self):
        super().__init__()
        self.stop()

    def check(self):
        """Go on."""


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**31),
    shape=st.sampled_from([(14, 17), (1, 9), (5, 8, 7), (1, 1, 1), (0, 0)]),
    share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    even=st.booleans(),
)
def test_depth_is_that_of_scipy(seed, shape, share, even):
    random = np.random.default_rng(seed)
    mask = random.random(shape) >= share
    spacing = None if even else random.uniform(0.2, 5, len(shape)).tolist()
    wanted = np.zeros(shape)
    if mask.size:
        inside = distance_transform_edt(np.pad(mask, 1), sampling=spacing)
        wanted = inside[(slice(1, -1),) * mask.ndim]
    np.testing.assert_allclose(depth(mask, spacing), wanted)


def test_a_stop_ends_the_loops_early():
    mask = np.ones((9, 30, 30), bool)
    assert np.isinf(depth(mask, checkpoint=Deaf())).all()
    far, first = geodesic_distance(
        mask * 1.0, np.array([[1, 2, 3], [7, 20, 9]]), checkpoint=Deaf()
    )
    assert np.count_nonzero(first) == np.isfinite(far).sum() == 2


def test_after_the_loops_the_stop_is_noticed():
    stopped = Checkpoint()
    stopped.stop()
    with pytest.raises(Cancelled):
        depth(np.ones((3, 3), bool), checkpoint=stopped)
    with pytest.raises(Cancelled):
        geodesic_distance(np.ones((3, 3)), np.array([[1, 1]]), checkpoint=stopped)
