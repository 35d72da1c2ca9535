"""Handles: no change alters no pixel, and a change only what lies next to it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellpose_studio.core.edits.handles import edit_of, pixels_inside, polygon_of
from cellpose_studio.core.masks.cell_table import CellTable

masks = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12))
everywhere = (slice(0, 30), slice(0, 40))


def disc(y, x, radius):
    rows, columns = np.ogrid[:30, :40]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def one_cell(*, neighbour=False):
    labels = np.zeros((30, 40), np.uint32)
    labels[disc(15, 15, 9)] = 7
    if neighbour:
        labels[disc(15, 30, 5)] = 8
    return labels, CellTable.of(labels)


@settings(max_examples=300)
@given(masks, st.sampled_from([0.0, 0.7, 1.0, 3.0, 50.0]))
def test_a_round_trip_alters_no_pixel(mask, tolerance):
    # Any mask: with holes, in parts, at the border, of one pixel, corner to corner.
    labels = mask * np.uint32(5)
    table = CellTable.of(labels)
    handles = polygon_of(labels, table, 5, tolerance=tolerance)
    whole = tuple(slice(0, size) for size in labels.shape)
    np.testing.assert_array_equal(pixels_inside(handles, whole), mask)
    assert not edit_of(labels, table, handles).parts


@settings(max_examples=60)
@given(st.integers(0, 2**31))
def test_a_round_trip_among_others_alters_no_pixel(check, seed):
    labels = np.stack([check.discs(seed + n, (30, 40), 8) for n in range(2)])
    table = CellTable.of(labels)
    for cell in table.ids().tolist():
        for protect in (True, False):
            handles = polygon_of(labels, table, cell, (1,))
            edit = edit_of(labels, table, handles, protect=protect)
            assert not edit.parts


@settings(max_examples=80)
@given(st.integers(0, 2**31))
def test_any_reshaping_leaves_others_and_can_be_undone(check, seed):
    random = np.random.default_rng(seed)
    labels = check.discs(seed, (30, 40), 8)
    table = CellTable.of(labels)
    if not len(table):
        return
    cell = int(random.choice(table.ids()))
    handles = polygon_of(labels, table, cell)
    for _ in range(4):
        if not handles.rings:
            break
        ring = int(random.integers(len(handles.rings)))
        vertex = int(random.integers(len(handles.rings[ring].vertices)))
        at = handles.rings[ring].vertices[vertex] + random.uniform(-8, 8, 2)
        what = random.integers(3)
        if what == 0:
            handles = handles.move_vertex(ring, vertex, at)
        elif what == 1:
            handles = handles.add_vertex(at)
        else:
            handles = handles.delete_vertex(ring, vertex)
    edit = edit_of(labels, table, handles)
    check.untouched(labels, check.applied(labels, edit), [cell])


def test_it_has_few_vertices_and_says_the_shape():
    labels, table = one_cell()
    [ring] = polygon_of(labels, table, 7).rings
    assert 6 <= len(ring.vertices) <= 16
    assert len(ring.line()) > 2 * len(ring.vertices)
    pixel = np.ones((1, 1), np.uint32)
    [tiny] = polygon_of(pixel, CellTable.of(pixel), 1).rings
    assert sorted(map(tuple, tiny.vertices)) == [
        (-0.5, -0.5),
        (-0.5, 0.5),
        (0.5, -0.5),
        (0.5, 0.5),
    ]


def test_a_moved_vertex_changes_only_the_sides_next_to_it():
    labels, table = one_cell()
    handles = polygon_of(labels, table, 7)
    vertices = handles.rings[0].vertices
    top = int(np.argmin(vertices[:, 0]))
    moved = handles.move_vertex(0, top, vertices[top] + (-5, 0))
    edit = edit_of(labels, table, moved)
    [part] = edit.parts
    assert (part.after == 7).sum() > 10
    y, x = np.divmod(part.index, 40)
    near = vertices[[top - 1, top, (top + 1) % len(vertices)]]
    assert (y <= near[:, 0].max()).all()
    assert (x >= near[:, 1].min()).all()
    assert (x <= near[:, 1].max()).all()


def test_a_vertex_that_is_added_changes_nothing_until_it_is_moved():
    labels, table = one_cell()
    handles = polygon_of(labels, table, 7)
    more = handles.add_vertex(np.array([4.0, 17.0]))
    assert len(more.rings[0].vertices) == len(handles.rings[0].vertices) + 1
    assert not edit_of(labels, table, more).parts
    straight = more.move_vertex(0, 0, more.rings[0].vertices[0])
    again = straight.add_vertex(straight.rings[0].vertices[:2].mean(axis=0))
    np.testing.assert_array_equal(
        pixels_inside(again, everywhere), pixels_inside(straight, everywhere)
    )


def test_without_its_vertices_a_ring_goes_and_without_rings_the_cell():
    labels, table = one_cell()
    handles = polygon_of(labels, table, 7)
    while handles.rings:
        handles = handles.delete_vertex(0, 0)
    edit = edit_of(labels, table, handles)
    assert edit.pixels == table.size_of(7)
    assert all((part.after == 0).all() for part in edit.parts)


@pytest.mark.parametrize("protect", [True, False])
def test_a_neighbour_keeps_its_pixels_unless_the_user_says_otherwise(protect):
    labels, table = one_cell(neighbour=True)
    handles = polygon_of(labels, table, 7)
    right = int(np.argmax(handles.rings[0].vertices[:, 1]))
    handles = handles.move_vertex(0, right, np.array([15.0, 38.0]))
    edit = edit_of(labels, table, handles, protect=protect)
    after = labels.copy()
    edit.apply(after)
    assert ((after == 8).sum() == (labels == 8).sum()) == protect
    # Beyond the neighbour is nothing of the cell, because it would lie apart.
    assert (after[15, 36] == 7) == (not protect)
