"""Label pixels as they were, while others edit them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cellpose_studio.core.masks.chunks import ChunkIndex, chunk, chunk_indices
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.core.masks.snapshot import Snapshot

SHAPE = (2, 520, 1030)
"""Two planes of 2 x 3 chunks."""


def edit_at(labels, plane, y, x, cell):
    """Return an edit of some pixels, which may lie in up to four chunks."""
    region = (slice(plane, plane + 1), slice(y, y + 9), slice(x, x + 9))
    after = np.full((1, 9, 9), cell, np.uint32)
    return edit_between("Draw", [cell], labels, region, after)


def apply(edit, labels, snapshots):
    for snapshot in snapshots:
        snapshot.keep(edit.chunk_indices)
    edit.apply(labels)


edits = st.tuples(
    st.integers(0, SHAPE[0] - 1),
    st.integers(0, SHAPE[1] - 9),
    st.integers(0, SHAPE[2] - 9),
    st.integers(0, 2**32 - 1),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(edits | st.none() | st.integers(0, 11), max_size=12))
def test_it_stays_as_it_was(steps):
    labels = np.zeros(SHAPE, np.uint32)
    every = list(chunk_indices(SHAPE))
    taken = []
    for step in steps:
        if step is None:
            taken.append((Snapshot(labels), labels.copy()))
        elif isinstance(step, int):
            # Whether somebody has looked at a chunk before makes no difference.
            for snapshot, before in taken:
                read = snapshot.chunk(every[step])
                assert np.array_equal(read, chunk(before, every[step]))
        else:
            apply(edit_at(labels, *step), labels, [one for one, _ in taken])
    for snapshot, before in taken:
        assert np.array_equal(snapshot.array(), before)
        assert snapshot.highest() == before.max()


def test_it_stays_as_it_was_while_others_draw():
    labels = np.ones((1, 1024, 1024), np.uint32)
    random = np.random.default_rng(0)
    with ThreadPoolExecutor(2) as pool:
        for n in range(20):
            before, snapshot = labels.copy(), Snapshot(labels)
            read = [pool.submit(snapshot.array) for _ in range(2)]
            for _ in range(50):
                y, x = random.integers(0, 1015, 2)
                apply(edit_at(labels, 0, y, x, n + 2), labels, [snapshot])
            for one in read:
                assert np.array_equal(one.result(), before)


def test_only_chunks_that_change_are_copied():
    labels = np.zeros(SHAPE, np.uint32)
    snapshot = Snapshot(labels)
    edit = edit_at(labels, 1, 100, 600, 7)
    apply(edit, labels, [snapshot])
    assert set(snapshot._kept) == edit.chunk_indices == {ChunkIndex(1, 0, 1)}


@given(data=st.data())
def test_a_region_is_as_it_was(data):
    shape = data.draw(st.sampled_from([(700, 1100), (3, 600, 520), (2, 2, 40, 600)]))
    labels = np.random.default_rng(0).integers(0, 9, shape, np.uint32)
    before, snapshot = labels.copy(), Snapshot(labels)
    region = tuple(
        slice(*sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n)))))
        for n in shape
    )
    changing = data.draw(st.sets(st.sampled_from([*chunk_indices(shape)])))
    snapshot.keep(changing)
    for index in changing:
        chunk(labels, index)[...] = 99
    np.testing.assert_array_equal(snapshot[region], before[region])
    assert not np.shares_memory(snapshot[region], labels)


def test_a_sample_is_that_of_the_moment():
    labels = np.random.default_rng(0).integers(0, 99, SHAPE).astype(np.uint32)
    for every in (1, 3, 7, 40):
        snapshot, before = Snapshot(labels), labels.copy()
        apply(edit_at(labels, 1, 505, 505, 7), labels, [snapshot])
        assert (labels != before).any()
        np.testing.assert_array_equal(
            snapshot.sample(1, every), before[1, ::every, ::every]
        )
        labels = before
