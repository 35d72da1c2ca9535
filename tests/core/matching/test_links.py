"""Links: ids go along with cells, and no mask changes its shape by it."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellpose_studio.core.masks import labels
from cellpose_studio.core.masks.chunks import pieces
from cellpose_studio.core.matching import links
from cellpose_studio.core.matching.links import (
    carry_over_ids,
    keep_locked,
    match_cells,
    names_after,
)

seeds = st.integers(0, 2**31)


def square(*cells, shape=(20, 20)):
    """Draw cells (id, top, left, side)."""
    labels = np.zeros(shape, np.uint32)
    for cell, top, left, side in cells:
        labels[top : top + side, left : left + side] = cell
    return labels


def pairs_of(a, b):
    return np.unique(np.stack([a.ravel(), b.ravel()]), axis=1)


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


@settings(max_examples=100)
@given(seeds, seeds, st.integers(0, 500))
def test_carrying_ids_over_keeps_masks_pixel_for_pixel(check, first, second, highest):
    before = check.discs(first, (30, 40), 8)
    after = check.discs(second % 3 + first, (30, 40), 9)
    carried = carry_over_ids(before, after, highest)
    pairs = pairs_of(after, carried)
    assert len(set(pairs[0])) == len(set(pairs[1])) == pairs.shape[1]
    np.testing.assert_array_equal(carried == 0, after == 0)
    new = np.setdiff1d(carried, before)
    assert (new[new > 0] > max(highest, before.max())).all()
    for cell in np.intersect1d(carried, before[before > 0]):
        assert iou(before == cell, carried == cell) >= 0.5


@settings(max_examples=60)
@given(seeds, st.sampled_from([0.1, 0.5, 0.9]))
def test_a_match_is_one_to_one_and_of_the_largest_sum(check, seed, threshold):
    before = check.discs(seed, (16, 16), 4)
    after = check.discs(seed + 1, (16, 16), 4)
    found = match_cells(before, after, threshold)
    assert len(set(found.values())) == len(found)
    olds = [int(n) for n in np.unique(before) if n] + [None] * 4
    news = [int(n) for n in np.unique(after) if n]

    def score(new, old):
        value = 0 if old is None else iou(before == old, after == new)
        return value if value >= threshold else 0

    best = max(
        sum(score(new, old) for new, old in zip(news, order, strict=True))
        for order in set(permutations(olds, len(news)))
    )
    assert sum(score(n, o) for n, o in found.items()) == pytest.approx(best)


def test_a_locked_cell_wins_and_others_lose_pixels():
    before = square((5, 2, 2, 6))
    after = square((9, 6, 2, 8), (5, 3, 3, 4), (7, 12, 12, 4))
    kept = keep_locked(after, before, [5])
    np.testing.assert_array_equal(kept == 5, before == 5)
    np.testing.assert_array_equal(kept == 7, after == 7)
    np.testing.assert_array_equal(kept == 9, (after == 9) & (before != 5))


def test_a_new_cell_goes_if_less_than_half_of_it_is_left():
    before = square((5, 2, 2, 8))
    assert 9 not in keep_locked(square((9, 4, 4, 8)), before, [5])
    assert 9 in keep_locked(square((9, 4, 4, 8)), before, [])
    assert 9 in keep_locked(square((9, 6, 6, 8)), before, [5])


@pytest.mark.parametrize("length", [1, 7, 64])
def test_it_does_not_matter_how_much_is_looked_at_at_once(check, monkeypatch, length):
    before, after = check.discs(1, (30, 40), 8), check.discs(2, (30, 40), 8)
    locked, deleted = np.unique(before)[1::2].tolist(), before == np.unique(before)[2]
    whole = keep_locked(after, before, locked, deleted)
    for module in (links, labels):
        monkeypatch.setattr(module, "pieces", lambda size, *_: pieces(size, length))
    np.testing.assert_array_equal(keep_locked(after, before, locked, deleted), whole)
    assert (whole != after).any()


def test_names_after_are_those_of_most_pixels():
    before, after = square((5, 2, 2, 6), (6, 2, 10, 6)), square((9, 2, 2, 7))
    after[2:5, 9:16] = 8
    assert names_after(before, after, {8, 9}) == {5: 9, 6: 8}
    assert names_after(before, after, {8}) == {6: 8}


def test_a_new_cell_does_not_come_back_where_one_was_deleted():
    before, deleted = square(), square((1, 2, 2, 8)) > 0
    after = square((3, 3, 3, 6), (4, 9, 9, 6))
    kept = keep_locked(after, before, [], deleted)
    np.testing.assert_array_equal(kept == 4, after == 4)
    assert 3 not in kept


@settings(max_examples=60)
@given(seeds, seeds)
def test_locked_cells_are_kept_whatever_a_run_gives(check, seed, other):
    before = check.discs(seed, (30, 40), 8)
    after = check.whole(check.discs(other, (30, 40), 8)) + np.uint32(100)
    after[after == 100] = 0
    locked = np.unique(before[before > 0])[::2].tolist()
    inputs = before.copy(), after.copy()
    kept = keep_locked(after, before, locked)
    for cell in locked:
        np.testing.assert_array_equal(kept == cell, before == cell)
    for cell in np.setdiff1d(kept, [0, *locked]):
        assert cell in after
        mine = kept == cell
        assert (after[mine] == cell).all()
        assert check.connected(mine)
        assert 2 * mine.sum() >= (after == cell).sum()
    np.testing.assert_array_equal(before, inputs[0])
    np.testing.assert_array_equal(after, inputs[1])


def test_label_images_of_different_shapes_cannot_be_compared():
    with pytest.raises(ValueError, match="compared"):
        match_cells(square(), square(shape=(3, 4)))
