"""Work goes with the cell, not with the image: 8192 x 8192 pixels, 51,529 cells."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from cellpose_studio.core.edits import paint, reshape, shapes, split, whole
from cellpose_studio.core.edits.handles import edit_of, polygon_of
from cellpose_studio.core.masks.cell_table import CellTable
from tests.core.touched import Watched

CELL = 25_000
MOST = 2**23
"""Bytes: a cell is 35 lines high, and a line of the image has 32 kB."""


@pytest.fixture(scope="module")
def large():
    at = np.arange(227 * 36)
    inside = (at % 36 - 18) ** 2
    discs = inside[:, None] + inside < 17**2
    cells = (at // 36)[:, None] * 227 + at // 36 + 1
    labels = np.zeros((8192, 8192), np.uint32)
    labels[: len(at), : len(at)] = discs * cells
    watched = Watched(labels)
    return watched, CellTable.of(watched.array)


def brush(labels, table, middle):
    dab = shapes.brush(middle[None] + 15, 9, labels.shape)
    return paint.add_to_cell(labels, table, dab, CELL)


def line(labels, table, middle):
    return split.split_by_line(
        labels, table, CELL, middle + np.array([[-25, 0], [25, 0]])
    )


def seeds(labels, table, middle):
    return split.split_by_seeds(
        labels, table, CELL, middle + np.array([[-5, 0], [5, 0]])
    )


def handles(labels, table, middle):
    outline = polygon_of(labels, table, CELL)
    return edit_of(labels, table, outline.move_vertex(0, 1, middle))


def delete(labels, table, middle):
    return whole.delete_cells(labels, table, [1, CELL])


def merge(labels, table, middle):
    return whole.merge_cells(labels, table, [CELL, CELL + 1])


def smooth(labels, table, middle):
    return reshape.smooth_cells(labels, table, [CELL], sigma=4)


def grow(labels, table, middle):
    return reshape.grow_cells(labels, table, [CELL], 2)


OPERATIONS = [brush, line, seeds, handles, delete, merge, smooth, grow]


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells which pages are used")
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda run: run.__name__)
def test_one_cell_is_edited_and_followed_at_its_place(large, operation):
    watched, table = large
    labels = watched.array
    middle = np.array([(part.start + part.stop) / 2 for part in table.box(CELL)])

    def make():
        return operation(labels, table, middle)

    def follow():
        for step in (edit, edit.inverse()):
            step.apply(labels)
            table.change(step, labels)

    # Code is compiled the first time.
    edit = make()
    follow()
    edit, made = watched.run(make)
    assert edit.parts
    _, followed = watched.run(follow)
    print(f"{operation.__name__}: made {made}; done and undone {followed}")
    for touched in (made, followed):
        assert 0 < touched.read < MOST
        assert touched.taken < MOST


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells which pages are used")
def test_what_looks_at_the_whole_image_is_noticed(large):
    watched, _ = large
    cells, touched = watched.run(lambda: int((watched.array == CELL).sum()))
    assert cells > 0
    assert touched.read >= watched.array.nbytes
    assert touched.taken >= watched.array.size
