"""Selects cells by a lasso or a line."""

from __future__ import annotations

import numpy as np

from cellpose_studio.core.edits.changes import At, cell_mask
from cellpose_studio.core.edits.shapes import Patch, Points, line
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels


def cells_in_polygon(
    labels: Labels, table: CellTable, patch: Patch, at: At = (), share: float = 0.5
) -> list[int]:
    """Return the ids of cells of a plane that lie in a lasso, ascending.

    At least ``share`` of a cell's pixels in the plane have to be inside.
    """
    now = labels[at][patch.box]
    ids, inside = np.unique(now[patch.mask], return_counts=True)
    return [
        cell
        for cell, pixels in zip(ids.tolist(), inside.tolist(), strict=True)
        if cell and pixels >= share * _pixels(labels, table, cell, at)
    ]


def cells_on_line(labels: Labels, points: Points, at: At = ()) -> list[int]:
    """Return the ids of cells of a plane that a line crosses, in its order.

    ``points`` are (N, 2) y, x along the line, px.
    """
    plane = labels[at]
    way = line(points, plane.shape)
    met = plane[way[:, 0], way[:, 1]].tolist()
    # A dictionary keeps the order of the line, which a set would lose.
    return [cell for cell in dict.fromkeys(met) if cell]


def _pixels(labels: Labels, table: CellTable, cell: int, at: At) -> int:
    # The table knows the sizes of whole cells, not those in one of several planes.
    if not at:
        return table.size_of(cell)
    return int(np.count_nonzero(cell_mask(labels, table, cell, at)[1]))
