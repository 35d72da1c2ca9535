"""What each operation does, on small images that can be looked at."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from cellpose_studio.core.edits import (
    paint,
    pick,
    planes,
    reshape,
    shapes,
    split,
    whole,
)
from cellpose_studio.core.masks.cell_table import CellTable


def picture(*rows):
    return np.array(
        [[int(c) if c != "." else 0 for c in row] for row in rows], np.uint32
    )


def text(labels):
    return ["".join(str(c) if c else "." for c in row) for row in labels.tolist()]


def after(edit, labels):
    changed = labels.copy()
    edit.apply(changed)
    return changed


BAR = picture("11111112", "11111112", "........")


def bar():
    return BAR.copy(), CellTable.of(BAR)


def test_an_outline_is_filled_as_cellpose_does_it():
    points = np.array([[5, 3], [8, 20], [25, 24], [20, 6]])
    patch = shapes.outline(points, (40, 40))
    mask = np.zeros((40, 40), np.uint8)
    cv2.fillPoly(mask, [points[:, None, ::-1].astype(np.int32)], 1)
    np.testing.assert_array_equal(patch.inside((slice(0, 40), slice(0, 40))), mask > 0)
    assert patch.inside((slice(5, 6), slice(3, 4))).all()


@pytest.mark.parametrize("size", [1, 3, 8])
def test_a_brush_draws_a_line_as_wide_as_it_is(size):
    patch = shapes.brush(np.array([[20.0, 5.0], [20.0, 30.0]]), size, (40, 40))
    rows = patch.inside((slice(0, 40), slice(15, 16))).sum()
    assert rows == size + (size % 2 == 0)
    dot = shapes.brush(np.array([[0.2, 39.4]]), size, (40, 40))
    assert dot.mask.any()


def test_a_patch_outside_the_image_is_empty():
    for points in ([[-9, -9], [-5, -9], [-5, -5]], [[50, 3], [60, 3], [60, 9]]):
        labels, table = bar()
        patch = shapes.outline(np.array(points), labels.shape)
        assert not patch.mask.any()
        assert not paint.draw_cell(labels, table, patch).parts


def test_a_cut_keeps_the_larger_piece_and_numbers_the_other():
    labels, table = bar()
    patch = shapes.brush(np.array([[0, 2], [1, 2]]), 1, labels.shape)
    edit = paint.cut_from_cell(labels, table, patch, 1)
    assert text(after(edit, labels)) == ["33.11112", "33.11112", "........"]
    edit = paint.cut_from_cell(labels, table, patch, 1, specks=5)
    assert text(after(edit, labels)) == ["...11112", "...11112", "........"]
    edit = paint.cut_from_cell(labels, table, patch, 1, apart=False)
    assert text(after(edit, labels)) == ["11.11112", "11.11112", "........"]


def test_erasing_takes_from_all_and_drawing_goes_onto_background():
    labels, table = bar()
    patch = shapes.outline(np.array([[1, 6], [1, 7], [2, 7], [2, 6]]), labels.shape)
    edit = paint.erase(labels, table, patch)
    assert text(after(edit, labels)) == ["11111112", "111111..", "........"]
    assert edit.cells == (1, 2)
    edit = paint.draw_cell(labels, table, patch)
    assert text(after(edit, labels)) == ["11111112", "11111112", "......33"]
    assert edit.cells == (3,)
    edit = paint.draw_cell(labels, table, patch, protect=False)
    assert text(after(edit, labels)) == ["11111112", "11111133", "......33"]
    edit = paint.draw_cell(labels, table, patch, cell=2)
    assert text(after(edit, labels)) == ["11111112", "11111112", "......22"]
    assert (edit.operation, edit.cells) == ("Continue cell", (2,))
    edit = paint.add_to_cell(labels, table, patch, 2)
    assert text(after(edit, labels)) == ["11111112", "11111112", "......22"]


def test_a_line_splits_a_cell_and_no_pixel_is_lost():
    labels, table = bar()
    edit = split.split_by_line(labels, table, 1, np.array([[-1, 2], [3, 2]]))
    found = after(edit, labels)
    np.testing.assert_array_equal(np.isin(found, [1, 3]), labels == 1)
    assert text(found[:, [0, 1, 3, 4, 5, 6]]) == ["331111", "331111", "......"]
    halfway = np.array([[-1, 2], [0, 2]])
    assert not split.split_by_line(labels, table, 1, halfway).parts


def test_a_diagonal_line_splits_as_well():
    labels = np.ones((30, 30), np.uint32)
    edit = split.split_by_line(
        labels, CellTable.of(labels), 1, np.array([[0, 0], [29, 29]])
    )
    assert len(np.unique(after(edit, labels))) == 2


def test_seeds_split_two_that_touch_at_their_neck():
    rows, columns = np.ogrid[:30, :50]
    left = (rows - 15) ** 2 + (columns - 14) ** 2 < 12**2
    right = (rows - 15) ** 2 + (columns - 35) ** 2 < 11**2
    labels = (left | right).astype(np.uint32)
    table = CellTable.of(labels)
    edit = split.split_by_seeds(labels, table, 1, np.array([[15, 14], [15, 36]]))
    found = after(edit, labels)
    assert (found[left & (columns < 24)] == 1).all()
    assert (found[right & (columns > 26)] == 2).all()
    one = split.split_by_seeds(labels, table, 1, np.array([[15, 14], [0, 0]]))
    assert not one.parts


def test_a_volume_is_split_merged_and_deleted_as_one_body():
    labels = np.zeros((9, 12, 24), np.uint32)
    rows = np.indices(labels.shape)
    for x, radius in ((7, 5), (16, 4)):
        away = sum((n - c) ** 2 for n, c in zip(rows, (4, 6, x), strict=True))
        labels[away < radius**2] = 1
    seeds = np.array([[4, 6, 7], [4, 6, 16]])
    edit = split.split_by_seeds(labels, CellTable.of(labels), 1, seeds)
    found = after(edit, labels)
    assert np.unique(found).tolist() == [0, 1, 2]
    table = CellTable.of(found)
    merged = after(whole.merge_cells(found, table, [1, 2]), found)
    np.testing.assert_array_equal(merged, labels)
    plane = after(whole.delete_cells(found, table, [1], (4,)), found)
    assert not (plane[4] == 1).any()
    np.testing.assert_array_equal(plane[:4], found[:4])


def test_holes_are_filled_but_for_other_cells_in_them():
    labels = picture("11111", "1.2.1", "11111", "1...2")
    edit = reshape.fill_holes(labels, CellTable.of(labels), [1])
    assert text(after(edit, labels)) == ["11111", "11211", "11111", "1...2"]


def test_growing_stops_at_others_and_shrinking_at_the_border():
    labels = picture("11....2", "11....2", ".......")
    table = CellTable.of(labels)
    edit = reshape.grow_cells(labels, table, [1, 2], 2)
    assert text(after(edit, labels)) == ["1111222", "1111222", "111..22"]
    edit = reshape.shrink_cells(labels, table, [1], 1)
    assert text(after(edit, labels)) == ["1.....2", "......2", "......."]


def test_smoothing_takes_a_thorn_off_and_leaves_the_rest():
    labels = np.zeros((40, 40), np.uint32)
    labels[10:30, 10:30] = 4
    labels[2:10, 20] = 4
    found = after(reshape.smooth_cells(labels, CellTable.of(labels), [4]), labels)
    assert not found[2:9].any()
    assert (found[12:28, 12:28] == 4).all()


def test_cells_are_picked_by_lasso_and_by_line():
    labels = picture("11..22", "11..22", "......", "3333..")
    table = CellTable.of(labels)
    lasso = shapes.outline(np.array([[0, 0], [0, 4], [3, 4], [3, 0]]), labels.shape)
    assert pick.cells_in_polygon(labels, table, lasso) == [1, 2, 3]
    assert pick.cells_in_polygon(labels, table, lasso, share=0.8) == [1, 3]
    assert pick.cells_on_line(labels, np.array([[3, 3], [0, 5], [0, 0]])) == [3, 2, 1]
    stack = np.stack([labels, labels])
    table = CellTable.of(stack)
    assert pick.cells_in_polygon(stack, table, lasso, (1,), 0.8) == [1, 3]


def test_between_two_planes_a_cell_moves_and_grows():
    labels = np.zeros((5, 40, 60), np.uint32)
    rows, columns = np.ogrid[:40, :60]
    for z, x, radius in ((0, 12, 6), (4, 44, 10)):
        labels[z][(rows - 20) ** 2 + (columns - x) ** 2 <= radius**2] = 3
    labels[2, :, 30] = 8
    edit = planes.interpolate(labels, CellTable.of(labels), [3])
    found = after(edit, labels)
    middle = (rows - 20) ** 2 + (columns - 28) ** 2 <= 8**2
    np.testing.assert_array_equal(found[2] == 8, labels[2] == 8)
    there = (found[2] == 3) | (found[2] == 8) & middle
    assert (there & middle).sum() / (there | middle).sum() > 0.9
