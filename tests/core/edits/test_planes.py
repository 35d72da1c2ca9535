"""From plane to plane and from one time point to the next; others stay as they are."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cellpose_studio.core.edits import planes
from cellpose_studio.core.masks.cell_table import CellTable

seeds = st.integers(0, 2**31)


@settings(max_examples=40)
@given(seed=seeds, frames=st.integers(1, 2))
def test_interpolation_never_overwrites(check, seed, frames):
    labels = np.zeros((frames, 7, 40, 40), np.uint32)
    for z, n in ((0, 0), (3, 1), (6, 2)):
        labels[:, z] = check.discs(seed + n, (40, 40), 5, radius=12)
    labels[:, 5, 10:20] = 999
    at = () if frames == 1 else (1,)
    labels = np.ascontiguousarray(labels[0]) if frames == 1 else labels
    table = CellTable.of(labels)
    cells = [cell for cell in table.ids().tolist() if cell != 999]
    after = check.applied(labels, planes.interpolate(labels, table, cells, at))
    np.testing.assert_array_equal(after[labels > 0], labels[labels > 0])
    for cell in cells:
        there = (after[at] == cell).any(axis=(1, 2))
        drawn = np.flatnonzero((labels[at] == cell).any(axis=(1, 2)))
        if len(drawn):
            gaps = ~there[drawn[0] : drawn[-1]]
            # Only where another cell has the place.
            assert not gaps.any() or (labels[at] > 0).any()


@settings(max_examples=40)
@given(seed=seeds, every=st.booleans())
def test_a_copy_goes_onto_background_only(check, seed, every):
    labels = np.stack([check.discs(seed + n, (30, 31), 8) for n in range(3)])
    table = CellTable.of(labels)
    cells = table.ids()[: None if every else 2].tolist()
    edit = planes.copy_cells(labels, table, cells, (0,), (2,))
    after = check.applied(labels, edit)
    np.testing.assert_array_equal(after[:2], labels[:2])
    np.testing.assert_array_equal(after[2][labels[2] > 0], labels[2][labels[2] > 0])
    wanted = labels[0] if every else np.where(np.isin(labels[0], cells), labels[0], 0)
    empty = labels[2] == 0
    np.testing.assert_array_equal(after[2][empty], wanted[empty])


def places(random, shape, steps):
    """Return a random plane or volume, and one some steps away along its last axis."""
    axes = int(random.integers(1, len(shape) - 1))
    *lead, last = (int(random.integers(n)) for n in shape[:axes])
    return (*lead, last), (*lead, (last + steps) % shape[axes - 1])


def series(check, seed, shape):
    """Draw cells in each plane; those of different planes may have the same id."""
    labels = np.zeros(shape, np.uint32)
    for n, index in enumerate(np.ndindex(shape[:-2])):
        labels[index] = check.discs(seed + n, shape[-2:], 6, radius=9)
    return labels


stacks = st.sampled_from([(4, 26, 31), (3, 4, 22, 25)])


@settings(max_examples=80)
@given(seed=seeds, shape=stacks, steps=st.sampled_from([1, -1]), protect=st.booleans())
def test_a_propagated_cell_has_the_same_shape_where_nothing_is_in_its_way(
    check, seed, shape, steps, protect
):
    random = np.random.default_rng(seed)
    labels = series(check, seed, shape)
    source, target = places(random, shape, steps)
    table = CellTable.of(labels)
    cell = int(random.choice([*table.ids(), 99]))
    edit = planes.propagate(labels, table, cell, source, target, protect=protect)
    after = check.applied(labels, edit)
    elsewhere = np.ones(shape, bool)
    elsewhere[target] = False
    np.testing.assert_array_equal(after[elsewhere], labels[elsewhere])
    shape_there, before, now = labels[source] == cell, labels[target], after[target]
    if protect:
        others = ~np.isin(before, [0, cell])
        np.testing.assert_array_equal(now[others], before[others])
    free = shape_there & np.isin(before, [0, cell]) if protect else shape_there
    if not free.any():
        np.testing.assert_array_equal(now, before)
    elif (free == shape_there).all():
        np.testing.assert_array_equal(now == cell, shape_there)
    else:
        assert (now == cell).any()
        assert not ((now == cell) & ~free).any()
    np.testing.assert_array_equal(
        now[~shape_there & (before != cell)], before[~shape_there & (before != cell)]
    )


@settings(max_examples=40)
@given(seed=seeds, shape=stacks)
def test_a_whole_volume_is_copied_to_the_next_time_point(check, seed, shape):
    labels = series(check, seed, shape)
    table = CellTable.of(labels)
    edit = planes.copy_cells(labels, table, table.ids().tolist(), (0,), (1,), "Copy")
    after = check.applied(labels, edit)
    empty = labels[1] == 0
    np.testing.assert_array_equal(after[1][empty], labels[0][empty])
    np.testing.assert_array_equal(after[1][~empty], labels[1][~empty])
    np.testing.assert_array_equal(np.delete(after, 1, 0), np.delete(labels, 1, 0))


@settings(max_examples=60)
@given(seed=seeds, shape=stacks)
def test_a_cell_is_deleted_from_here_on_and_not_before(check, seed, shape):
    random = np.random.default_rng(seed)
    labels = series(check, seed, shape)
    first, _ = places(random, shape, 0)
    table = CellTable.of(labels)
    cell = int(random.choice([*table.ids(), 99]))
    after = check.applied(labels, planes.delete_from(labels, table, cell, first))
    *lead, start = first
    wanted = labels.copy()
    rest = wanted[tuple(lead)][start:]
    rest[rest == cell] = 0
    np.testing.assert_array_equal(after, wanted)
