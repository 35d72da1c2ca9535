"""Every operation: undo restores every bit, neighbours stay, cells hang together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellpose_studio.core.edits import paint, reshape, shapes, split, whole
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.map_ids import map_ids

SHAPES = [(1, 1), (30, 41), (505, 530)]


class Scene:
    """A label image, its table, a plane or volume of it, and random choices."""

    def __init__(self, check, seed, shape, connected):
        self.random = np.random.default_rng(seed)
        labels = check.discs(seed, shape[-2:], 12)
        if shape[-2] > 500:
            labels[500:530, 495:530] = check.discs(seed + 1, (30, 35), 9)[
                : shape[-2] - 500
            ]
        self.at = ()
        if len(shape) == 3:
            stack = [labels, check.discs(seed + 2, shape[1:], 9), labels[::-1]]
            labels = np.stack(stack)
            self.at = (int(self.random.integers(3)),)
        self.labels = check.whole(labels) if connected else labels
        self.table = CellTable.of(self.labels)

    @property
    def plane(self):
        return self.labels[self.at]

    def cells(self, most=3):
        there = np.unique(self.plane[self.plane != 0])
        if not len(there):
            return [1]
        size = min(len(there), int(self.random.integers(1, most + 1)))
        return self.random.choice(there, size, replace=False).tolist()

    def points(self, count=4):
        """Points near a cell, some of them outside the image."""
        where = np.argwhere(np.isin(self.plane, self.cells(1)))
        centre = where[self.random.integers(len(where))] if len(where) else [0, 0]
        return centre + self.random.uniform(-12, 12, (count, 2))

    def patch(self):
        if self.random.random() < 0.5:
            return shapes.outline(self.points(5), self.plane.shape)
        size = self.random.uniform(1, 7)
        return shapes.brush(self.points(3), size, self.plane.shape)


def draw(s, **how):
    return paint.draw_cell(s.labels, s.table, s.patch(), s.at, **how), []


def add(s, **how):
    [cell] = s.cells(1)
    return paint.add_to_cell(s.labels, s.table, s.patch(), cell, s.at, **how), [cell]


def cut(s):
    [cell] = s.cells(1)
    specks = int(s.random.integers(4))
    edit = paint.cut_from_cell(s.labels, s.table, s.patch(), cell, s.at, specks=specks)
    return edit, [cell]


def erase(s):
    edit = paint.erase(s.labels, s.table, s.patch(), s.at)
    return edit, list(edit.cells)


def delete(s):
    cells = s.cells()
    return whole.delete_cells(s.labels, s.table, cells, s.at), cells


def merge(s):
    cells = s.cells()
    return whole.merge_cells(s.labels, s.table, cells, s.at), cells


def split_by_line(s):
    [cell] = s.cells(1)
    specks = int(s.random.integers(4))
    edit = split.split_by_line(
        s.labels, s.table, cell, s.points(3), s.at, specks=specks
    )
    return edit, [cell]


def split_by_seeds(s):
    [cell] = s.cells(1)
    where = np.argwhere(s.plane == cell)
    seeds = s.random.permutation(where)[:3] if len(where) else np.zeros((2, 2))
    return split.split_by_seeds(s.labels, s.table, cell, seeds, s.at), [cell]


def fill(s, **how):
    cells = s.cells()
    return reshape.fill_holes(s.labels, s.table, cells, s.at, **how), cells


def smooth(s, **how):
    cells = s.cells(1)
    return reshape.smooth_cells(s.labels, s.table, cells, s.at, **how), cells


def grow(s, **how):
    cells = s.cells()
    return reshape.grow_cells(s.labels, s.table, cells, 3, s.at, **how), cells


def shrink(s):
    cells = s.cells()
    return reshape.shrink_cells(s.labels, s.table, cells, 2, s.at), cells


def remove_at_border(s):
    return whole.remove_at_border(s.labels, s.table), s.table.at_border().tolist()


def remove_small(s):
    return whole.remove_small(s.labels, s.table, 20), s.table.smaller_than(20).tolist()


def unprotected(operation):
    def run(s):
        return operation(s, protect=False)[0], s.table.ids().tolist()

    run.__name__ = f"{operation.__name__} over others"
    return run


KEEPING = [draw, cut, erase, delete, split_by_line, split_by_seeds, fill, smooth]
KEEPING += [grow, shrink, remove_at_border, remove_small, unprotected(draw)]
OTHER = [add, merge, unprotected(add), unprotected(fill), unprotected(grow)]
by_name = {"ids": lambda operation: operation.__name__}
seeds = st.integers(0, 2**31)


@pytest.mark.parametrize("operation", KEEPING + OTHER, **by_name)
@settings(max_examples=25)
@given(seed=seeds, shape=st.sampled_from([*SHAPES, (3, 30, 41)]))
def test_undo_restores_every_bit_and_others_stay(check, operation, seed, shape):
    scene = Scene(check, seed, shape, connected=False)
    edit, cells = operation(scene)
    after = check.applied(scene.labels, edit)
    check.untouched(scene.labels, after, cells)
    new = np.setdiff1d(after, scene.labels)
    assert (new[new > 0] >= scene.table.next_id()).all()
    elsewhere = np.ones(len(after), bool)
    elsewhere[scene.at] = len(shape) == 2
    if len(shape) == 3 and "remove" not in operation.__name__:
        np.testing.assert_array_equal(after[elsewhere], scene.labels[elsewhere])


@pytest.mark.parametrize("operation", KEEPING, **by_name)
@settings(max_examples=40)
@given(seed=seeds, shape=st.sampled_from(SHAPES))
def test_cells_that_hang_together_still_do(check, operation, seed, shape):
    scene = Scene(check, seed, shape, connected=True)
    edit, _ = operation(scene)
    after = check.applied(scene.labels, edit)
    for cell in np.unique(after[after != 0]):
        assert check.connected(after == cell)


@settings(max_examples=40)
@given(seed=seeds, cells=st.integers(0, 12))
def test_relabelling_leaves_the_cells_as_they_are(check, seed, cells):
    labels = check.discs(seed, (40, 50), cells)
    after = map_ids(labels, whole.relabel_sequential(CellTable.of(labels)))
    ids = np.unique(after[after != 0])
    assert ids.tolist() == list(range(1, len(ids) + 1))
    pairs = np.unique(np.stack([labels.ravel(), after.ravel()]), axis=1)
    assert len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


@pytest.mark.parametrize(
    ("points", "is_line"),
    [
        ([(5, 3), (5, 60), (5, 109)], True),
        ([(5, 3), (30, 28), (40, 38)], True),
        ([(5, 3), (6, 60), (5, 109), (6, 50)], True),
        ([(5, 3), (5, 7)], False),
        ([(5, 3), (5, 9), (7, 9), (7, 3)], False),
        ([(5, 3), (5, 42), (8, 42), (8, 3)], False),
        ([(5, 3), (5, 23), (25, 23), (25, 3)], False),
        ([(-9, -9), (-9, -30), (-8, -30)], False),
    ],
)
def test_what_encloses_next_to_nothing_is_a_line(points, is_line):
    patch = shapes.outline(np.array(points), (64, 128))
    assert shapes.is_line(patch) is is_line
