"""Makes new cells of the fragments that a stroke leaves."""

from __future__ import annotations

import numpy as np

from cellpose_studio.core.edits.changes import At, Changes, Mask, box_around
from cellpose_studio.core.edits.components import label_components, label_fragments
from cellpose_studio.core.masks.cell_table import Box, CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import LabelEdit


def split_fragments(
    labels: Labels, table: CellTable, stroke: LabelEdit, at: At = (), specks: int = 0
) -> LabelEdit:
    """Return the edit that makes new cells of the fragments that a stroke has left.

    `core.edits.components` defines which fragment keeps the id. Fragments of fewer
    than ``specks`` pixels become background.

    Parameters
    ----------
    labels
        Labels after the stroke.
    table
        Their table after the stroke.
    stroke
        The edit of the stroke, in the plane ``at`` only.
    """
    changes, ids = Changes(labels, at), table.new_ids()
    cells = []
    for cell in _losers(stroke):
        # A cell that the stroke has erased leaves no fragment.
        if not table.size_of(cell):
            continue
        box = box_around([table.box(cell)[len(at) :], stroke.region(labels.shape)[-2:]])
        after = labels[at][box] == cell
        # The labels no longer show the cell as it was, so the stroke adds what it took.
        before = after | _lost(stroke, cell, box, labels.shape[-1])
        pieces = label_fragments(label_components(after), label_components(before))
        for number in range(1, int(pieces.max(initial=0)) + 1):
            piece = pieces == number
            small = np.count_nonzero(piece) < specks
            changes.put(box, piece, 0 if small else next(ids), protect=False)
            cells.append(cell)
    return changes.edit("Part pieces", sorted(set(cells)))


def _losers(stroke: LabelEdit) -> list[int]:
    """Return the ids of the cells that have lost pixels."""
    lost = [part.before[part.before != part.after] for part in stroke.parts]
    ids = np.unique(np.concatenate([*lost, np.zeros(0, np.uint32)]))
    return [int(cell) for cell in ids if cell]


def _lost(stroke: LabelEdit, cell: int, box: Box, width: int) -> Mask:
    """Return which pixels of a box the cell had before the stroke."""
    rows, columns = box
    lost = np.zeros([part.stop - part.start for part in box], bool)
    for part in stroke.parts:
        y, x = part.where(width)
        had = (part.before == cell) & (part.after != cell)
        lost[y[had] - rows.start, x[had] - columns.start] = True
    return lost
