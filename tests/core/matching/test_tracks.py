"""Tracks: a cell has one id over time, and no mask changes its shape by it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.matching.links import match_cells
from cellpose_studio.core.matching.tracks import link_cells

seeds = st.integers(0, 2**31)


def frames(seed: int, volume: bool):
    """Draw five time points of discs, each twice, with ids that begin anew in each."""
    random = np.random.default_rng(seed)
    shape = (3, 24, 24) if volume else (24, 24)
    grid = np.indices(shape[-2:])
    drawn = []
    for _ in range(3):
        one = np.zeros(shape, np.uint32)
        for cell in random.permutation(6)[:5] + 1:
            centre = random.integers(24, size=2)
            away = sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True))
            one[..., away <= random.uniform(1, 6) ** 2] = cell
        ids = np.concatenate([[0], random.permutation(6) + 1]).astype(np.uint32)
        drawn += [one, ids[one]]
    return np.stack(drawn[:5])


def after(labels, edit):
    assert edit.fits(labels)
    changed = labels.copy()
    edit.apply(changed)
    back = changed.copy()
    edit.inverse().apply(back)
    np.testing.assert_array_equal(back, labels)
    return changed


def moving(*ids: int):
    """Draw a cell that moves by a pixel each time, with an id in each time point."""
    labels = np.zeros((len(ids), 12, 30), np.uint32)
    for t, cell in enumerate(ids):
        labels[t, 3:9, 3 + t : 11 + t] = cell
    return labels


@settings(max_examples=80)
@given(seeds, st.booleans(), st.sampled_from([0.2, 0.5, 0.9]))
def test_linking_keeps_shapes_and_an_id_stays_with_its_cell(seed, volume, threshold):
    labels = frames(seed, volume)
    table = CellTable.of(labels, highest=100)
    tracks = link_cells(labels, table, threshold)
    linked = after(labels, tracks.edit)
    for before, now in zip(labels, linked, strict=True):
        pairs = np.unique(np.stack([before.ravel(), now.ravel()]), axis=1)
        assert len(set(pairs[0])) == len(set(pairs[1])) == pairs.shape[1]
        assert set(now.flat) <= {*before.flat, *labels.flat, *range(101, 200)}
    for t in range(1, 5):
        same = match_cells(linked[t - 1], linked[t], threshold)
        assert all(new == old for new, old in same.items())
        # An id that comes anew was in no time point before.
        came = np.setdiff1d(linked[t], linked[t - 1])
        assert not np.isin(came[came > 0], linked[:t]).any()
        assert set(np.intersect1d(linked[t], linked[t - 1])) <= {0, *same}
    counts = [np.unique(one[one > 0]) for one in linked]
    ids, times = np.unique(np.concatenate(counts), return_counts=True)
    assert (tracks.cells, tracks.tracks) == (times.sum(), len(ids))
    assert tracks.single == np.count_nonzero(times == 1)
    assert not link_cells(linked, CellTable.of(linked), threshold).edit.parts


@settings(max_examples=60)
@given(seeds, st.data())
def test_a_status_stays_where_all_of_a_track_had_it(seed, data):
    labels = frames(seed, volume=False)
    status = st.sampled_from(["accepted", "rejected", "later"])
    known = data.draw(st.dictionaries(st.integers(1, 9), status))
    tracks = link_cells(labels, CellTable.of(labels, highest=9), 0.5)
    linked = after(labels, tracks.edit)
    changes = tracks.renaming.statuses(known)
    now = known | {cell: new for cell, (_, new) in changes.items()}
    for cell, (old, new) in changes.items():
        assert known.get(cell) == old != new
    for track in np.unique(linked[linked > 0]).tolist():
        had = {known.get(int(cell)) for cell in np.unique(labels[linked == track])}
        assert now.get(track) == (had.pop() if len(had) == 1 else None)
    for cell in range(1, 10):
        if not (linked == cell).any():
            there = (labels == cell).any()
            assert now.get(cell) == (None if there else known.get(cell))


def test_a_track_keeps_its_first_id_and_what_all_of_it_had():
    labels = moving(3, 5, 5)
    tracks = link_cells(labels, CellTable.of(labels), 0.5)
    assert np.unique(after(labels, tracks.edit)).tolist() == [0, 3]
    yes, no = "accepted", "rejected"
    for known, changes in (
        ({3: yes, 5: yes}, {5: (yes, None)}),
        ({5: yes}, {5: (yes, None)}),
        ({3: yes}, {3: (yes, None)}),
        ({3: yes, 5: no}, {3: (yes, None), 5: (no, None)}),
        ({7: no}, {}),
    ):
        assert tracks.renaming.statuses(known) == changes


def test_cells_that_had_the_same_id_have_its_status_after_they_are_told_apart():
    labels = moving(1, 1, 1)
    labels[1:] = np.roll(labels[1:], 15, axis=2)
    tracks = link_cells(labels, CellTable.of(labels), 0.5)
    assert np.unique(after(labels, tracks.edit)).tolist() == [0, 1, 2]
    assert tracks.renaming.statuses({1: "later"}) == {2: (None, "later")}


def test_an_edit_of_links_says_how_they_were_made():
    labels = moving(1, 2, 3, 4)
    tracks = link_cells(labels, CellTable.of(labels), 0.35)
    assert tracks.edit.operation == "Link cells over time (IoU 0.35)"
    assert tracks.edit.cells == (1,)
    assert (tracks.frames, tracks.cells, tracks.tracks, tracks.single) == (4, 4, 1, 0)
    far = link_cells(labels, CellTable.of(labels), 0.99)
    assert (far.tracks, far.single) == (4, 4)
    assert not far.edit.parts


def test_linking_can_be_stopped():
    checkpoint = Checkpoint()
    checkpoint.stop()
    labels = moving(1, 2)
    with pytest.raises(Cancelled):
        link_cells(labels, CellTable.of(labels), checkpoint=checkpoint)
