"""What a stroke of the brush or the eraser leaves apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellpose_studio.core.edits import paint, shapes
from cellpose_studio.core.edits.fragments import split_fragments
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.edit import join_edits

BAR = np.array(
    [[1, 1, 1, 1, 1, 1, 1, 2], [1, 1, 1, 1, 1, 1, 1, 2], [0, 0, 0, 0, 0, 0, 0, 0]],
    np.uint32,
)


def stroked(labels, table, moves, at=(), protect=True, cell=None):
    """Do each move as a tool does while the button is down; return them as one edit."""
    edits = []
    for patch in moves:
        if cell is None:
            edit = paint.erase(labels, table, patch, at, apart=False)
        else:
            edit = paint.add_to_cell(
                labels, table, patch, cell, at, protect=protect, apart=False
            )
        edit.apply(labels)
        table.change(edit, labels)
        edits.append(edit)
    return join_edits("Erase", edits)


@pytest.mark.parametrize(
    ("specks", "left"), [(0, "11.33.42"), (3, "11.33..2"), (5, "11.....2")]
)
def test_pieces_become_cells_and_specks_go(specks, left):
    labels, table = BAR.copy(), CellTable.of(BAR)
    geodesic_distance = [np.array([[0, x], [1, x]]) for x in (2, 5)]
    moves = [shapes.brush(way, 1, labels.shape) for way in geodesic_distance]
    stroke = stroked(labels, table, moves)
    split_fragments(labels, table, stroke, specks=specks).apply(labels)
    for row in labels[:2]:
        assert "".join(str(n) if n else "." for n in row) == left


@settings(max_examples=40)
@given(seed=st.integers(0, 2**31), erase=st.booleans(), frame=st.booleans())
def test_cells_hang_together_after_a_stroke_and_others_stay(check, seed, erase, frame):
    random = np.random.default_rng(seed)
    before = check.whole(check.discs(seed, (40, 600), 25, radius=9))
    at = (1,) if frame else ()
    if frame:
        before = np.stack([before * 0, before])
    labels, table = before.copy(), CellTable.of(before)
    geodesic_distance = random.uniform((0, 460), (40, 600), (4, 2))
    moves = [
        shapes.brush(geodesic_distance[n : n + 2], random.uniform(1, 6), (40, 600))
        for n in range(3)
    ]
    cell = None if erase else int(table.next_id())
    stroke = stroked(labels, table, moves, at, protect=False, cell=cell)
    specks = int(random.integers(4))
    edit = split_fragments(labels, table, stroke, at, specks)
    after = check.applied(labels, edit)
    for one in np.unique(after[after != 0]):
        if one != cell:
            assert check.connected(after == one)
            assert one in before or (after == one).sum() >= specks
    untouched = np.setdiff1d(before, edit.cells)
    np.testing.assert_array_equal(
        after[np.isin(labels, untouched)], labels[np.isin(labels, untouched)]
    )
