"""Ways are as long as those that scikit-image finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.graph import MCP_Geometric

from cellpose_studio.core.edits.geodesic import geodesic_distance


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**31),
    shape=st.sampled_from([(14, 17), (1, 9), (5, 8, 7)]),
    even=st.booleans(),
)
def test_ways_are_as_long_as_those_of_scikit_image(seed, shape, even):
    random = np.random.default_rng(seed)
    costs = random.uniform(0.05, 3, shape)
    costs[random.random(shape) < 0.3] = -1
    inside = np.argwhere(costs > 0)
    places = random.permutation(inside)[:2]
    spacing = None if even else random.uniform(0.5, 4, len(shape)).tolist()
    wanted = np.full(shape, np.inf)
    if len(places):
        wanted = MCP_Geometric(costs, sampling=spacing).find_costs(places)[0]
    np.testing.assert_allclose(geodesic_distance(costs, places, spacing)[0], wanted)
