"""Cells that are trained on, and pixels that say nothing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import distance_transform_edt

from cellpose_studio.core.review.training_ignore import RING, annotated

shapes = st.tuples(st.integers(1, 14), st.integers(1, 14))


@st.composite
def planes(draw):
    shape = draw(shapes)
    labels = draw(arrays(np.uint32, shape, elements=st.sampled_from([0, 0, 1, 5, 9])))
    unknown = draw(st.none() | arrays(bool, shape))
    out = draw(st.sets(st.sampled_from([1, 5, 9, 77])))
    return labels, unknown, out, draw(st.booleans()), draw(st.booleans())


@given(planes())
def test_a_cell_is_trained_on_in_whole_or_not_at_all(case):
    labels, unknown, out, border, partly = case
    before = labels.copy()
    found = annotated(
        labels, left_out=out, border=border, partly=partly, unannotated=unknown
    )
    np.testing.assert_array_equal(labels, before)
    ignore = np.zeros(labels.shape, bool) if found.ignore is None else found.ignore
    assert not (ignore & (found.labels > 0)).any()
    ids = [int(n) for n in np.unique(labels) if n]
    kept = []
    for cell in ids:
        of_cell = labels == cell
        inside = 0 if unknown is None else (of_cell & unknown).sum()
        edge = np.pad(of_cell[1:-1, 1:-1], 1) if min(labels.shape) > 2 else of_cell * 0
        at_edge = border and bool((of_cell & ~edge.astype(bool)).any())
        is_out = cell in out or at_edge or 2 * inside >= of_cell.sum()
        new = np.unique(found.labels[of_cell])
        assert len(new) == 1
        assert (new[0] == 0) == is_out
        assert ignore[of_cell].all() == is_out
        kept += [] if is_out else [cell]
    # Numbers are compact, in the order of the ids.
    assert found.cells == len(kept)
    assert found.left_out == len(ids) - len(kept)
    for n, cell in enumerate(kept, start=1):
        np.testing.assert_array_equal(found.labels == n, labels == cell)
    background = labels == 0
    far = distance_transform_edt(found.labels == 0) if kept else labels + np.inf
    expected = np.zeros(labels.shape, bool) if unknown is None else unknown.copy()
    if partly:
        # The ring is a disc of pixels; between its corners both are right.
        sure = (far > RING + 0.5) | expected
        assert ignore[background & sure].all()
        near = (far <= RING - 0.5) & ~expected & background
        assert not ignore[near].any()
    else:
        np.testing.assert_array_equal(ignore[background], expected[background])


def test_nothing_is_ignored_where_all_is_annotated():
    labels = np.zeros((8, 8), np.uint32)
    labels[2:4, 2:4] = 7
    found = annotated(labels)
    assert found.ignore is None
    assert (found.cells, found.left_out, found.ignored_share) == (1, 0, 0.0)
