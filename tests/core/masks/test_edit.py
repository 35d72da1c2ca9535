"""Edits: exactly what they say, there and back, across the borders of chunks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellpose_studio.core.masks.chunks import CHUNK, ChunkIndex, chunk_indices
from cellpose_studio.core.masks.edit import (
    ChunkEdit,
    LabelEdit,
    edit_between,
    join_edits,
)

SHAPES = [(1, 1), (37, 53), (520, 515), (1030, 20), (3, 9, 517), (2, 2, 514, 8)]


@st.composite
def edits(draw):
    """Draw a label image, a region of it, and what the region becomes."""
    shape = draw(st.sampled_from(SHAPES))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    labels = random.choice(np.array([0, 1, 7, 2**32 - 1], np.uint32), shape)
    region = []
    for length in shape:
        near = [n for n in (0, CHUNK - 1, CHUNK, CHUNK + 1) if n < length]
        start = draw(st.sampled_from(near) | st.integers(0, length - 1))
        region.append(slice(start, draw(st.integers(start + 1, length))))
    after = labels[tuple(region)].copy()
    changed = random.random(after.shape) < draw(st.sampled_from([0.0, 0.01, 0.7]))
    after[changed] = random.integers(0, 2**32, int(changed.sum()), np.uint32)
    return labels, tuple(region), after


@settings(max_examples=80)
@given(edits())
def test_an_edit_and_its_inverse_restore_every_bit(drawn):
    labels, region, after = drawn
    before, wanted = labels.copy(), labels.copy()
    wanted[region] = after
    edit = edit_between("Draw", [3], labels, region, after)
    np.testing.assert_array_equal(labels, before)
    assert edit.pixels == np.count_nonzero(wanted != before)
    assert edit.is_inside(labels.shape)
    assert edit.fits(labels)
    edit.apply(labels)
    np.testing.assert_array_equal(labels, wanted)
    assert edit.inverse().fits(labels)
    assert edit.fits(labels) == (edit.pixels == 0)
    edit.inverse().apply(labels)
    np.testing.assert_array_equal(labels, before)


@settings(max_examples=80)
@given(edits())
def test_the_region_is_the_smallest_box_of_what_changes(drawn):
    labels, region, after = drawn
    edit = edit_between("Draw", [], labels, region, after)
    changed = np.zeros(labels.shape, bool)
    changed[region] = labels[region] != after
    found = edit.region(labels.shape)
    if not edit.parts:
        assert found == tuple(slice(0, 0) for _ in labels.shape)
        return
    at = np.argwhere(changed)
    low, high = at.min(axis=0), at.max(axis=0) + 1
    assert found == tuple(slice(a, b) for a, b in zip(low, high, strict=True))


@settings(max_examples=30)
@given(edits())
def test_only_chunks_that_change_are_part_of_it(drawn):
    labels, region, after = drawn
    edit = edit_between("Draw", [], labels, region, after)
    assert edit.chunk_indices <= set(chunk_indices(labels.shape))
    assert len(edit.chunk_indices) == len(edit.parts)
    for part in edit.parts:
        assert len(part.index) == len(part.before) == len(part.after) > 0
        assert (np.diff(part.index) > 0).all()
        assert (part.before != part.after).all()


def test_an_edit_knows_what_it_was_and_to_whom():
    labels = np.zeros((600, 600), np.uint32)
    region = (slice(500, 520), slice(505, 515))
    edit = edit_between(
        "Draw cell", np.array([4]), labels, region, np.full((20, 10), 4, np.uint32)
    )
    assert (edit.operation, edit.cells) == ("Draw cell", (4,))
    assert edit.chunk_indices == {ChunkIndex(0, r, c) for r in (0, 1) for c in (0, 1)}
    assert edit.region(labels.shape) == region
    assert edit.inverse().operation == "Draw cell"
    assert edit.inverse("Undo").operation == "Undo"


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_an_edit_of_nothing_changes_nothing(shape):
    labels = np.ones(shape, np.uint32)
    LabelEdit("Nothing", (), ()).apply(labels)
    assert (labels == 1).all()


@pytest.mark.parametrize(
    ("place", "index"),
    [
        ((1, 0, 0), 0),
        ((0, 2, 0), 0),
        ((0, 0, 1), 0),
        ((-1, 0, 0), 0),
        ((0, 0, 0), -1),
        ((0, 0, 0), CHUNK * 30),
        ((0, 1, 0), 88 * 30),
    ],
)
def test_pixels_beyond_the_image_are_noticed(place, index):
    one = np.ones(1, np.uint32)
    part = ChunkEdit(ChunkIndex(*place), np.array([index], np.int32), one, one)
    assert not LabelEdit("", (), (part,)).is_inside((600, 30))


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_edits_joined_do_what_they_do_one_after_another(seed, count):
    random = np.random.default_rng(seed)
    shape = (2, 530, 40)
    labels = random.integers(0, 3, shape, np.uint32)
    one_by_one = labels.copy()
    edits = []
    for cell in range(count):
        low = random.integers(0, shape)
        high = random.integers(low, shape) + 1
        region = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        after = random.integers(0, 3, one_by_one[region].shape, np.uint32)
        edit = edit_between("Paint", [cell], one_by_one, region, after)
        edit.apply(one_by_one)
        edits.append(edit)
    edit = join_edits("Brush", edits)
    assert edit.cells == tuple(range(count))
    assert edit.pixels == np.count_nonzero(one_by_one != labels)
    assert edit.fits(labels)
    again = labels.copy()
    edit.apply(again)
    np.testing.assert_array_equal(again, one_by_one)
    edit.inverse().apply(again)
    np.testing.assert_array_equal(again, labels)
