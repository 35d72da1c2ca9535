"""Cells of a run in a region, merged into the masks of the whole image."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.matching.region_merge import merge_region
from cellpose_studio.core.runs.region import Region, cells_in

SIZE = 40

corners = st.integers(0, SIZE)
rectangles = st.tuples(corners, corners, corners, corners).filter(
    lambda box: box[0] != box[2] and box[1] != box[3]
)
polygons = st.lists(st.tuples(corners, corners), min_size=3, max_size=6).filter(
    lambda at: len({x for x, _ in at}) > 1 and len({y for _, y in at}) > 1
)
shapes = st.one_of(
    rectangles.map(lambda box: ((box[0], box[1]), (box[2], box[3]))),
    polygons.map(tuple),
)


@st.composite
def labels(draw, most=12, lead=()):
    """Return cells of any boxes, later ones over earlier ones."""
    found = np.zeros((*lead, SIZE, SIZE), np.uint32)
    for cell in range(1, draw(st.integers(0, most)) + 1):
        y, x = draw(st.tuples(*[st.integers(0, SIZE - 2)] * 2))
        height, width = draw(st.tuples(*[st.integers(1, 14)] * 2))
        plane = tuple(draw(st.integers(0, n - 1)) for n in lead)
        found[(*plane, slice(y, y + height), slice(x, x + width))] = 7 * cell
    return found


def merged(present, new, region, locked=(), frames=1):
    table = CellTable.of(present, 500)
    return merge_region(present, table, new, region, frames, locked)


def sizes(masks):
    ids, counts = np.unique(masks[masks > 0], return_counts=True)
    return dict(zip(ids.tolist(), counts.tolist(), strict=True))


@given(labels(), labels(), shapes, st.sets(st.integers(1, 12)))
def test_no_other_cell_changes_by_a_pixel(present, found, points, numbers):
    region = Region(points=points)
    new = cells_in(found, region, 1)
    locked = {7 * n for n in numbers} & set(sizes(present))
    before = present.copy()
    result = merged(present, new, region, locked)
    np.testing.assert_array_equal(present, before)
    inside = np.zeros(present.shape, bool)
    inside[region.box(present.shape, 1)] = region.mask(present.shape)
    for cell, size in sizes(present).items():
        mostly = 2 * np.count_nonzero(inside & (present == cell)) >= size
        if cell in locked or not mostly:
            np.testing.assert_array_equal(result.labels == cell, present == cell)
            assert cell not in result.replaced
        else:
            assert cell in result.replaced
    others = set(sizes(result.labels)) - set(sizes(present))
    # No id that any cell has ever had, up to 500, is given to another one.
    assert all(cell > 500 for cell in others)
    assert others <= result.found


@given(labels(), labels(), shapes)
def test_what_is_new_is_of_the_run_and_complete(present, found, points):
    region = Region(points=points)
    new = cells_in(found, region, 1)
    result = merged(present, new, region)
    kept = np.isin(present, list(result.replaced), invert=True) & (present > 0)
    for cell in result.found:
        pixels = result.labels == cell
        [own] = np.unique(new[pixels])
        assert own > 0
        # Only pixels of cells that stay, and what they cut off, may be missing.
        if not (kept & (new == own)).any():
            np.testing.assert_array_equal(pixels, new == own)
        assert 2 * np.count_nonzero(pixels) >= np.count_nonzero(new == own)


@given(labels(), shapes)
def test_the_same_cells_again_change_nothing(present, points):
    region = Region(points=points)
    new = cells_in(present, region, 1)
    result = merged(present, new, region)
    np.testing.assert_array_equal(result.labels, present)
    assert result.found == result.replaced


@given(labels(lead=(3,)), labels(lead=(3,)), shapes, st.integers(1, 3))
def test_other_time_points_and_planes_stay(present, found, points, number):
    for frames, where in ((3, "frame"), (1, "plane")):
        region = Region(points=points, **{where: number})
        new = cells_in(found, region, frames)
        result = merged(present, new, region, frames=frames)
        for n in {0, 1, 2} - {number - 1}:
            cells = present[n][np.isin(present[n], list(result.replaced), invert=True)]
            same = np.isin(present[n], cells)
            np.testing.assert_array_equal(result.labels[n][same], present[n][same])


def test_only_the_cell_asked_for_is_replaced_and_it_keeps_its_id():
    present = np.zeros((SIZE, SIZE), np.uint32)
    present[4:12, 4:12], present[4:12, 12:20] = 3, 4
    new = np.zeros_like(present)
    new[6:10, 8:14] = 1
    region = Region(points=((0, 0), (24, 24)), cell_at=(8, 8), cell=3)
    result = merged(present, cells_in(new, region, 1), region, locked=[3, 4])
    assert result.found == result.replaced == {3}
    np.testing.assert_array_equal(result.labels == 4, present == 4)
    np.testing.assert_array_equal(result.labels == 3, (new == 1) & (present != 4))


def test_a_cell_that_is_not_found_again_is_not_lost():
    present = np.zeros((SIZE, SIZE), np.uint32)
    present[4:12, 4:12], present[4:12, 12:20] = 3, 4
    new = np.where(present == 4, np.uint32(1), np.uint32(0))
    region = Region(points=((0, 0), (24, 24)), cell_at=(12, 8), cell=3)
    result = merged(present, new, region)
    np.testing.assert_array_equal(result.labels, present)
    assert result.counts.text == "0 cells found, 0 replaced, 2 kept"


def test_a_point_has_its_cell_or_none():
    found = np.zeros((SIZE, SIZE), np.uint32)
    found[4:10, 4:10], found[4:10, 20:30] = 1, 2
    points = ((0, 0), (36, 36))
    for at, cell in (((6, 6), 1), ((11, 6), 1), ((15, 6), 0), ((18, 6), 2)):
        taken = cells_in(found, Region(points=points, cell_at=at), 1)
        np.testing.assert_array_equal(taken > 0, found == cell if cell else found < 0)
