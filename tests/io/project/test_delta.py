"""Edits as the journal holds them."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.core.masks.chunks import CHUNK, ChunkIndex
from cellpose_studio.core.masks.edit import ChunkEdit
from cellpose_studio.io.project.tables.delta import pack_parts, unpack_parts

_values = st.integers(0, 2**32 - 1)


@st.composite
def parts(draw):
    index = sorted(
        draw(st.sets(st.integers(0, CHUNK * CHUNK - 1), min_size=1, max_size=20))
    )
    columns = [
        np.array(
            draw(st.lists(_values, min_size=len(index), max_size=len(index))), np.uint32
        )
        for _ in range(2)
    ]
    place = ChunkIndex(*draw(st.tuples(*[st.integers(0, 2**20)] * 3)))
    return ChunkEdit(place, np.array(index, np.int32), *columns)


@given(st.lists(parts(), max_size=4))
def test_what_is_packed_comes_back(given_parts):
    found = unpack_parts(pack_parts(tuple(given_parts)))
    assert len(found) == len(given_parts)
    for one, other in zip(found, given_parts, strict=True):
        assert one.chunk_index == other.chunk_index
        assert one.index.dtype == np.int32
        for name in ("index", "before", "after"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@given(parts(), st.data())
def test_a_part_of_it_is_refused(part, data):
    packed = pack_parts((part,))
    short = packed[: data.draw(st.integers(0, len(packed) - 1))]
    with pytest.raises((ValueError, struct.error, zlib.error)):
        unpack_parts(short)


def test_a_stroke_is_small():
    index = np.arange(200) * CHUNK // 3
    part = ChunkEdit(
        ChunkIndex(0, 1, 1),
        index.astype(np.int32),
        np.zeros(200, np.uint32),
        np.full(200, 9, np.uint32),
    )
    assert len(pack_parts((part,))) < 200
