"""How cells that were decided on look."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellpose_studio.core.display.label_marks import (
    ACCEPTED,
    LATER,
    REJECTED,
    apply_ranks,
    draw_marks,
    marks_of,
)
from cellpose_studio.core.display.label_picture import (
    OUTLINE,
    draw_labels,
    redraw_labels,
)

planes = hnp.arrays(
    np.uint32,
    hnp.array_shapes(min_dims=2, max_dims=3, max_side=9),
    elements=st.sampled_from([0, 1, 2, 3, 2**32 - 1]),
)
MARKS = marks_of({1: "accepted", 2: "rejected", 3: "later", 2**31: "later"})


def everything(labels) -> tuple[slice, ...]:
    return tuple(slice(0, size) for size in labels.shape)


def marked(labels) -> np.ndarray:
    drawn = draw_labels(labels)
    draw_marks(drawn, labels, everything(labels), MARKS)
    return drawn


@given(planes)
def test_cells_have_the_mark_of_their_status_and_others_stay(labels):
    drawn, before = marked(labels), draw_labels(labels)
    for cell, value in ((1, ACCEPTED), (2, REJECTED), (3, LATER)):
        assert set(np.unique(drawn[labels == cell] & 0x7F)) <= {value}
    others = (labels == 0) | (labels > 3)
    np.testing.assert_array_equal(drawn[others], before[others])
    accepted = labels == 1
    np.testing.assert_array_equal(drawn[accepted] & 0x80, before[accepted] & 0x80)


@given(planes, st.data())
def test_marking_a_part_again_gives_what_marking_all_would(labels, data):
    drawn = marked(labels)
    box = tuple(
        slice(*sorted(data.draw(st.tuples(*[st.integers(0, size)] * 2))))
        for size in labels.shape
    )
    labels[box] = data.draw(st.sampled_from([0, 2, 3]))
    draw_marks(drawn, labels, redraw_labels(drawn, labels, box), MARKS)
    np.testing.assert_array_equal(drawn, marked(labels))


def test_lines_differ():
    labels = np.zeros((20, 90), np.uint32)
    for cell in (1, 2, 3):
        labels[2:18, 30 * cell - 28 : 30 * cell - 2] = cell
    line = (marked(labels)[2] & OUTLINE) != 0
    share = [line[labels[2] == cell].mean() for cell in (1, 2, 3)]
    assert share[0] == 1
    assert 0.3 < share[1] < 0.7
    assert 0.3 < share[2] < 0.7
    changes = [np.diff(line[labels[2] == cell]).sum() for cell in (2, 3)]
    assert changes[1] > 2 * changes[0]


def test_no_status_marks_nothing():
    labels = np.arange(9, dtype=np.uint32).reshape(3, 3)
    drawn = draw_labels(labels)
    draw_marks(drawn, labels, everything(labels), marks_of({}))
    np.testing.assert_array_equal(drawn, draw_labels(labels))


def test_cells_that_have_no_rank_keep_their_colour():
    labels = np.array([[1, 5, 2**32 - 1]], np.uint32)
    drawn = draw_labels(labels)
    ranks = np.array([0, 9], np.uint8)
    own = drawn[0, 1:].tolist()
    apply_ranks(drawn, labels, ranks)
    assert drawn[0].tolist() == [9 | OUTLINE, *own]
    apply_ranks(drawn, labels, ranks, beyond=7)
    assert drawn[0, 1:].tolist() == [7 | (value & OUTLINE) for value in own]
