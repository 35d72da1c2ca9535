"""Tracks are cut and joined without a pixel that changes its cell's shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellpose_studio.core.edits.tracks import TrackRefused, cut_track, join_tracks
from cellpose_studio.core.masks.cell_table import CellTable

films = st.sampled_from([(5, 3, 4), (4, 2, 3, 3)]).flatmap(
    lambda shape: hnp.arrays(
        np.uint32, shape, elements=st.sampled_from([0, 0, 3, 5, 9])
    )
)


def after(labels, edit):
    assert edit.fits(labels)
    changed = labels.copy()
    edit.apply(changed)
    return changed


def times_of(labels, cell):
    return np.flatnonzero((labels == cell).any(axis=tuple(range(1, labels.ndim))))


@given(films, st.integers(0, 5))
def test_a_cut_track_has_two_ids_and_joined_again_one(labels, time):
    table = CellTable.of(labels, highest=40)
    times = times_of(labels, 3)
    if not len(times) or not times[0] < time <= times[-1]:
        if len(times):
            with pytest.raises(TrackRefused, match="Cell 3 is there from time point"):
                cut_track(labels, table, 3, time)
        return
    edit, new = cut_track(labels, table, 3, time)
    assert (new, edit.operation, edit.cells) == (41, "Cut track", (3, 41))
    cut = after(labels, edit)
    assert times_of(cut, 3).tolist() == times[times < time].tolist()
    assert times_of(cut, 41).tolist() == times[times >= time].tolist()
    np.testing.assert_array_equal(np.where(cut == 41, 3, cut), labels)
    joined = join_tracks(cut, CellTable.of(cut), [41, 3])
    assert joined.cells == (3, 41)
    np.testing.assert_array_equal(after(cut, joined), labels)


@given(films)
def test_cells_of_the_same_time_are_not_joined(labels):
    table = CellTable.of(labels)
    both = np.intersect1d(times_of(labels, 3), times_of(labels, 5))
    if not (labels == 3).any() or not (labels == 5).any():
        return
    if len(both):
        with pytest.raises(
            TrackRefused, match=f"both there at time point {both[0] + 1}"
        ):
            join_tracks(labels, table, [3, 5])
    else:
        first = min((times_of(labels, n)[0], n) for n in (3, 5))[1]
        joined = after(labels, join_tracks(labels, table, [3, 5]))
        np.testing.assert_array_equal(
            joined, np.where((labels == 3) | (labels == 5), first, labels)
        )
