from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellpose_studio.core.matching.compare import (
    ADDED,
    CHANGED,
    REMOVED,
    UNCHANGED,
    compare_labels,
    highlight,
)

LARGEST = 2**32 - 1

shapes = hnp.array_shapes(min_dims=2, max_dims=4, max_side=6)


def labels_of(shape):
    return hnp.arrays(
        np.uint32, shape, elements=st.sampled_from([0, 1, 2, 3, 70_000, LARGEST])
    )


two_images = shapes.flatmap(lambda shape: st.tuples(*[labels_of(shape)] * 2))


def boxes(**cells):
    """Return a plane with a box of each id, given as rows and columns."""
    labels = np.zeros((20, 30), np.uint32)
    for name, (rows, columns) in cells.items():
        labels[slice(*rows), slice(*columns)] = int(name[1:])
    return labels


def summary(comparison):
    return {
        name: getattr(comparison, name).tolist()
        for name in ("added", "removed", "changed", "unchanged")
        if len(getattr(comparison, name))
    }


def ids_of(labels):
    return sorted(set(labels.ravel().tolist()) - {0})


BEFORE = boxes(c1=((0, 5), (0, 5)), c2=((8, 14), (0, 10)))


def test_what_was_drawn_and_deleted_is_told_from_what_stayed():
    after = boxes(c2=((8, 14), (0, 10)), c3=((15, 20), (20, 30)))
    comparison = compare_labels(BEFORE, after)
    assert summary(comparison) == {"added": [3], "removed": [1], "unchanged": [[2, 2]]}
    assert comparison.pixels == 25 + 50


def test_a_cell_that_was_reshaped_has_changed():
    after = boxes(c1=((0, 5), (0, 5)), c2=((8, 14), (0, 7)))
    comparison = compare_labels(BEFORE, after)
    assert summary(comparison) == {"unchanged": [[1, 1]], "changed": [[2, 2]]}
    assert comparison.pixels == 6 * 3


def test_new_numbers_alone_change_nothing():
    comparison = compare_labels(
        BEFORE, np.where(BEFORE > 0, BEFORE + 1, 0).astype(np.uint32)
    )
    assert summary(comparison) == {"unchanged": [[1, 2], [2, 3]]}
    assert comparison.pixels == 0


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ((5, 15), {"removed": [2], "added": [9]}),
        ((3, 13), {"changed": [[2, 9]]}),
        ((0, 5), {"changed": [[2, 9]]}),
        ((0, 4), {"removed": [2], "added": [9]}),
    ],
)
def test_another_id_is_the_same_cell_from_half_an_overlap_on(columns, expected):
    before, after = boxes(c2=((8, 14), (0, 10))), boxes(c9=((8, 14), columns))
    assert summary(compare_labels(before, after)) == expected


def test_the_same_id_is_the_same_cell_as_long_as_it_shares_a_pixel():
    before, touching = boxes(c2=((8, 14), (0, 10))), boxes(c2=((13, 20), (9, 30)))
    assert summary(compare_labels(before, touching)) == {"changed": [[2, 2]]}
    elsewhere = boxes(c2=((15, 20), (10, 30)))
    assert summary(compare_labels(before, elsewhere)) == {"removed": [2], "added": [2]}


def test_of_two_halves_the_one_with_the_id_is_the_cell():
    before = boxes(c5=((0, 4), (0, 10)))
    after = boxes(c1=((0, 4), (0, 5)), c5=((0, 4), (5, 10)))
    assert summary(compare_labels(before, after)) == {"changed": [[5, 5]], "added": [1]}


def test_numbers_that_moved_to_the_neighbour_do_not_mislead():
    before = boxes(c1=((0, 5), (0, 10)), c2=((0, 5), (10, 20)))
    after = boxes(c3=((0, 5), (0, 9)), c1=((0, 5), (9, 20)))
    assert summary(compare_labels(before, after)) == {"changed": [[1, 3], [2, 1]]}


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(20, 30\)"):
        compare_labels(BEFORE, BEFORE[:10])


def test_the_picture_says_what_became_of_each_cell():
    before = boxes(c1=((0, 5), (0, 5)), c2=((8, 14), (0, 10)), c3=((0, 5), (10, 12)))
    after = boxes(c4=((8, 14), (0, 8)), c3=((0, 5), (10, 12)), c7=((17, 20), (0, 5)))
    picture = highlight(before, after, compare_labels(before, after))
    expected = np.zeros((20, 30), np.uint8)
    expected[0:5, 0:5] = REMOVED
    expected[8:14, 0:10] = CHANGED
    expected[0:5, 10:12] = UNCHANGED
    expected[17:20, 0:5] = ADDED
    np.testing.assert_array_equal(picture, expected)
    assert picture.dtype == np.uint8


def test_where_a_new_cell_lies_over_a_removed_one_it_is_the_new_one_that_shows():
    before, after = boxes(c1=((0, 5), (0, 10))), boxes(c2=((0, 5), (8, 20)))
    picture = highlight(before, after, compare_labels(before, after))
    assert picture[0, :21].tolist() == [REMOVED] * 8 + [ADDED] * 12 + [0]


@given(two_images)
def test_every_cell_is_accounted_for_once(images):
    before, after = images
    found = compare_labels(before, after)
    paired = np.concatenate([found.changed, found.unchanged])
    assert sorted([*found.removed.tolist(), *paired[:, 0].tolist()]) == ids_of(before)
    assert sorted([*found.added.tolist(), *paired[:, 1].tolist()]) == ids_of(after)


@given(two_images)
def test_pairs_are_what_their_pixels_say(images):
    before, after = images
    found = compare_labels(before, after)
    for old, new in found.unchanged:
        assert np.array_equal(before == old, after == new)
    for old, new in found.changed:
        one, other = before == old, after == new
        assert 0 < (one & other).sum() < (one | other).sum()
        assert old == new or 2 * (one & other).sum() >= (one | other).sum()


@given(two_images)
def test_the_number_of_pixels_is_that_of_the_cells_once_ids_are_matched(images):
    before, after = images
    found = compare_labels(before, after)
    renamed = np.zeros(before.shape, np.int64)
    for cell in found.removed:
        renamed[before == cell] = -1
    for old, new in np.concatenate([found.changed, found.unchanged]):
        renamed[before == old] = new
    assert found.pixels == np.count_nonzero(renamed != after)


@given(two_images)
def test_what_is_unchanged_is_so_on_the_way_back_too(images):
    before, after = images
    there, back = compare_labels(before, after), compare_labels(after, before)
    assert {tuple(p) for p in there.unchanged.tolist()} == {
        (old, new) for new, old in back.unchanged.tolist()
    }


@given(two_images)
def test_the_picture_is_background_only_where_both_are(images):
    before, after = images
    picture = highlight(before, after, compare_labels(before, after))
    assert picture.shape == before.shape
    np.testing.assert_array_equal(picture == 0, (before == 0) & (after == 0))
    assert picture.max() <= CHANGED
    same = picture == UNCHANGED
    np.testing.assert_array_equal(before[same] > 0, after[same] > 0)


@given(labels_of((3, 4, 5)))
def test_slices_and_read_only_images_are_compared_as_well(labels):
    labels.flags.writeable = False
    found = compare_labels(labels[::-1], labels[::-1].copy())
    assert found.pixels == 0
    assert found.unchanged[:, 0].tolist() == ids_of(labels)
