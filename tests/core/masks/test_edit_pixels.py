"""The compiled loops over the pixels of an edit."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.core.masks.chunks import CHUNK, ChunkIndex
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.core.masks.edit_pixels import (
    has_pixels,
    pixel_bounds,
    write_pixels,
)

SHAPE = (2, CHUNK + 40, CHUNK + 30)
LAST = ChunkIndex(1, 1, 1)
"""The chunk of 40 × 30 pixels at the lower right of the second plane."""


def at(*index):
    return np.array(index, np.int32)


def values(*cells):
    return np.array(cells, np.uint32)


def test_pixels_are_written_where_they_belong():
    labels = np.zeros(SHAPE, np.uint32)
    write_pixels(labels, LAST, at(0, 31, 40 * 30 - 1), values(5, 6, 7))
    found = {tuple(place): labels[tuple(place)] for place in np.argwhere(labels)}
    assert found == {
        (1, CHUNK, CHUNK): 5,
        (1, CHUNK + 1, CHUNK + 1): 6,
        (1, CHUNK + 39, CHUNK + 29): 7,
    }
    assert has_pixels(labels, LAST, at(0, 31, 1199), values(5, 6, 7))
    assert not has_pixels(labels, LAST, at(0, 31, 1199), values(5, 6, 8))
    assert has_pixels(labels, LAST, at(), values())


@pytest.mark.parametrize("wrong", [-1, 40 * 30])
def test_nothing_is_written_beyond_the_chunk(wrong):
    labels = np.zeros(SHAPE, np.uint32)
    with pytest.raises(IndexError):
        write_pixels(labels, LAST, at(wrong), values(9))
    assert not labels.any()
    assert not has_pixels(labels, LAST, at(wrong), values(0))


def test_bounds_are_those_of_the_pixels():
    random = np.random.default_rng(0)
    for width in (1, 7, CHUNK):
        for count in (1, 2, 30):
            index = np.sort(random.choice(width * 40, count, replace=False))
            y, x = np.divmod(index, width)
            bounds = pixel_bounds(index.astype(np.int32), width)
            assert bounds == (y.min(), x.min(), y.max() + 1, x.max() + 1)


def test_read_only_pixels_of_a_journal_can_be_written():
    labels = np.zeros(SHAPE[1:], np.uint32)
    after = np.full((3, 4), 2, np.uint32)
    edit = edit_between("Draw", [2], labels, (slice(510, 513), slice(9, 13)), after)
    for part in edit.parts:
        part.index.flags.writeable = part.after.flags.writeable = False
    edit.apply(labels)
    assert (labels == 2).sum() == 12
    assert edit.region(labels.shape) == (slice(510, 513), slice(9, 13))
    assert edit.inverse().fits(labels)
    assert not edit.fits(labels)
