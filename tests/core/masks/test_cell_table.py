"""The cell table: what it knows after any edits is what a new one would know."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellpose_studio.core.errors import IdsUsedUp
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.edit import edit_between
from tests.core.touched import Watched

SHAPES = [(1, 1), (9, 11), (520, 515), (3, 9, 17), (2, 3, 7, 514)]
IDS = np.array([0, 0, 1, 7, 70_000, 2**32 - 1], np.uint32)


def rows(table):
    return {int(n): (table.size_of(int(n)), table.box(int(n))) for n in table.ids()}


def by_hand(labels):
    found = {}
    for cell in np.unique(labels[labels != 0]).tolist():
        at = np.argwhere(labels == cell)
        bounds = zip(
            at.min(axis=0).tolist(), (at.max(axis=0) + 1).tolist(), strict=True
        )
        found[cell] = (len(at), tuple(slice(low, high) for low, high in bounds))
    return found


@st.composite
def edited(draw):
    """Draw a label image and edits, one after the other, some taken back."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = random.choice(IDS, draw(st.sampled_from(SHAPES)))
    labels[random.random(labels.shape) < draw(st.sampled_from([0.0, 0.9, 0.999]))] = 0
    return labels, random, draw(st.integers(1, 6))


@settings(max_examples=40, deadline=None)
@given(edited())
def test_a_table_after_edits_equals_one_built_anew(drawn):
    labels, random, steps = drawn
    table = CellTable.of(labels)
    assert rows(table) == by_hand(labels)
    for _ in range(steps):
        start = [int(random.integers(n)) for n in labels.shape]
        stop = [
            int(random.integers(a, n)) + 1
            for a, n in zip(start, labels.shape, strict=True)
        ]
        box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
        after = np.full_like(labels[box], random.choice(IDS))
        edit = edit_between("Fill", [], labels, box, after)
        for step in (edit, edit.inverse(), edit)[: random.integers(1, 4)]:
            step.apply(labels)
            table.change(step, labels)
            assert rows(table) == by_hand(labels)
            assert len(table) == len(by_hand(labels))


def change(table, labels, box, value):
    edit = edit_between("Fill", [], labels, box, np.full_like(labels[box], value))
    edit.apply(labels)
    table.change(edit, labels)
    return edit


def test_an_id_is_never_used_twice():
    labels = np.zeros((20, 20), np.uint32)
    labels[2:4, 2:4] = 3
    table = CellTable.of(labels)
    change(table, labels, np.s_[8:9, 8:9], table.next_id())
    gone = change(table, labels, np.s_[8:9, 8:9], 0)
    assert (table.next_id(), table.ids().tolist()) == (5, [3])
    undone = gone.inverse()
    undone.apply(labels)
    table.change(undone, labels)
    assert (table.next_id(), table.ids().tolist()) == (5, [3, 4])
    assert CellTable.of(labels, highest=41).next_id() == 42


def test_the_pixels_of_an_undone_edit_are_not_counted_again():
    labels = np.zeros((20, 20), np.uint32)
    edit = change(CellTable.of(labels), labels, np.s_[8:9, 8:9], 3)
    undone = edit.inverse("Undo")
    assert undone.lost is edit.gained is not None
    assert undone.gained is edit.lost is not None


def test_there_is_no_id_after_the_last():
    with pytest.raises(IdsUsedUp, match="4,294,967,295"):
        CellTable.of(np.full((2, 2), 2**32 - 1, np.uint32)).next_id()


def test_it_finds_cells_by_place_and_size():
    labels = np.zeros((3, 9, 9), np.uint32)
    labels[0, 3:6, 3:6] = 1
    labels[1:2, 3:6, 8] = 2
    labels[1, 0, 0] = 9
    table = CellTable.of(labels)
    assert table.at_border().tolist() == [2, 9]
    assert table.at_border(axes=3).tolist() == [1, 2, 9]
    assert table.smaller_than(4).tolist() == [2, 9]
    assert table.within(np.s_[1:3, 0:5, 0:9]).tolist() == [2, 9]
    assert table.box(5) == (slice(0, 0),) * 3
    assert (table.size_of(1), table.size_of(5), len(table)) == (9, 0, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells which pages are used")
def test_an_edit_of_a_large_image_looks_at_its_place_only():
    n = np.arange(8192, dtype=np.uint32)
    rows, columns = n[:, None] // 36, n // 36
    inside = ((n % 36) < 30)[:, None] & ((n % 36) < 30)
    labels = np.where(inside, rows * np.uint32(228) + columns + 1, 0).astype(np.uint32)
    watched = Watched(labels)
    # Code is compiled the first time.
    change(CellTable.of(labels[:32, :32]), labels[:32, :32], np.s_[4:9, 4:9], 7)
    table, built = watched.run(lambda: CellTable.of(watched.array))
    _, changed = watched.run(
        lambda: change(table, watched.array, np.s_[4000:4020, 4000:4020], 7)
    )
    print(f"built {built}, changed {changed}")
    assert len(table) == 228**2
    assert built.taken < labels.nbytes / 8
    assert changed.read < labels.nbytes / 32
    assert changed.taken < labels.nbytes / 32


def test_box_areas_are_those_of_the_boxes():
    labels = np.zeros((3, 20, 20), np.uint32)
    labels[0:2, 2:6, 3:10] = 4
    labels[2, 19, 19] = 9
    table = CellTable.of(labels)
    np.testing.assert_array_equal(table.box_areas([9, 4, 7]), [1, 56, 0])
    np.testing.assert_array_equal(table.box_areas([4, 9], axis=1), [28, 1])
    np.testing.assert_array_equal(table.sizes_of([9, 4, 7]), [1, 56, 0])
    assert table.box_areas([]).sum() == 0
    for cell in (4, 9):
        sides = [side.stop - side.start for side in table.box(cell)]
        assert table.box_areas([cell]) == np.prod(sides)


def test_cells_that_no_table_has_are_of_no_size():
    table = CellTable.of(np.zeros((5, 5), np.uint32))
    np.testing.assert_array_equal(table.sizes_of([3]), [0])
    np.testing.assert_array_equal(table.box_areas([3]), [0])


def test_an_edit_that_was_counted_ahead_changes_the_table_alike():
    random = np.random.default_rng(0)
    labels = random.integers(0, 9, (2, 600, 40)).astype(np.uint32)
    after = random.integers(0, 12, labels.shape).astype(np.uint32)
    everything = tuple(slice(0, size) for size in labels.shape)
    edit = edit_between("Draw", [], labels, everything, after)
    table = CellTable.of(labels)
    # Another table of the same shape may count, in another thread.
    CellTable.of(np.zeros_like(labels)).prepare(edit)
    for one in (edit, edit.inverse()):
        assert one.gained is not None
        one.apply(labels)
        table.change(one, labels)
        now = CellTable.of(labels)
        np.testing.assert_array_equal(table.ids(), now.ids())
        for cell in now.ids().tolist():
            assert table.size_of(cell) == now.size_of(cell)
            assert table.box(cell) == now.box(cell)
