"""Chunks: every pixel is in exactly one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.core.masks.chunks import (
    CHUNK,
    chunk,
    chunk_indices,
    touched_chunks,
)

SHAPES = [(1, 1), (512, 512), (513, 1025), (3, 40, 600), (2, 3, 514, 30)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_pixel_is_in_one_chunk(shape):
    counts = np.zeros(shape, np.uint32)
    for place in chunk_indices(shape):
        view = chunk(counts, place)
        assert view.size
        assert max(view.shape) <= CHUNK
        view += 1
    assert (counts == 1).all()


@st.composite
def regions(draw):
    shape = draw(st.sampled_from(SHAPES))
    bounds = [
        sorted(draw(st.lists(st.integers(0, n), min_size=2, max_size=2, unique=True)))
        for n in shape
    ]
    return shape, tuple(slice(a, b) for a, b in bounds)


@given(regions())
def test_a_region_touches_the_chunks_that_hold_its_pixels(drawn):
    shape, region = drawn
    inside = np.zeros(shape, np.uint32)
    inside[region] = 1
    holding = {place for place in chunk_indices(shape) if chunk(inside, place).any()}
    found = list(touched_chunks(shape, region))
    assert set(found) == holding
    assert len(found) == len(holding)
