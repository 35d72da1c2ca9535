"""Draw cells, add to them, cut from them and erase.

All act on one plane: ``at`` is its index in a stack, () in a single plane. Cells that
lose pixels may break into fragments; `core.edits.components` defines which one keeps
the id. The others become new cells, or background if they have fewer than ``specks``
pixels.

In a volume, fragments of one plane may be connected through others: with ``apart``
False they keep the id. This also avoids reading the whole cell during a stroke.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cellpose_studio.core.edits.changes import At, Changes, cell_mask
from cellpose_studio.core.edits.components import (
    label_components,
    label_fragments,
    largest_component,
)
from cellpose_studio.core.edits.shapes import Patch
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import LabelEdit


def draw_cell(
    labels: Labels,
    table: CellTable,
    patch: Patch,
    at: At = (),
    *,
    cell: int | None = None,
    protect: bool = True,
    specks: int = 0,
    apart: bool = True,
) -> LabelEdit:
    """Return the edit that draws a cell; an empty one if no background is left.

    If protected cells break it into several components, it is the largest of them.
    ``cell`` is a cell of other planes that is continued on this one; None makes a new
    cell.
    """
    # One iterator numbers the cell and all fragments, because the table does not learn
    # of them before the edit is applied.
    ids = table.new_ids()
    title = "Draw cell" if cell is None else "Continue cell"
    cell = next(ids) if cell is None else cell
    free = patch.mask & (labels[at][patch.box] == 0) if protect else patch.mask
    room = Patch(patch.box, largest_component(free))
    painter = _Painter(labels, table, at, specks, apart, ids)
    if not protect:
        # Later calls override earlier ones, so other cells lose these pixels first.
        painter.take(room, cell=None, but=cell)
    painter.changes.put(room.box, room.mask, cell, protect)
    return painter.changes.edit(title, [cell] if room.mask.any() else [])


def add_to_cell(
    labels: Labels,
    table: CellTable,
    patch: Patch,
    cell: int,
    at: At = (),
    *,
    protect: bool = True,
    specks: int = 0,
    apart: bool = True,
) -> LabelEdit:
    """Return the edit that gives pixels to a cell."""
    painter = _Painter(labels, table, at, specks, apart, table.new_ids())
    if not protect:
        painter.take(patch, cell=None, but=cell)
    painter.changes.put(patch.box, patch.mask, cell, protect)
    return painter.changes.edit("Add to cell", [cell])


def cut_from_cell(
    labels: Labels,
    table: CellTable,
    patch: Patch,
    cell: int,
    at: At = (),
    *,
    specks: int = 0,
    apart: bool = True,
) -> LabelEdit:
    """Return the edit that takes pixels from one cell."""
    painter = _Painter(labels, table, at, specks, apart, table.new_ids())
    painter.take(patch, cell)
    return painter.changes.edit("Cut from cell", [cell])


def erase(
    labels: Labels,
    table: CellTable,
    patch: Patch,
    at: At = (),
    *,
    specks: int = 0,
    apart: bool = True,
) -> LabelEdit:
    """Return the edit that takes pixels from all cells."""
    painter = _Painter(labels, table, at, specks, apart, table.new_ids())
    cells = painter.take(patch)
    return painter.changes.edit("Erase", cells)


class _Painter:
    """Removes pixels from cells of a plane, and splits off their fragments."""

    def __init__(
        self,
        labels: Labels,
        table: CellTable,
        at: At,
        specks: int,
        apart: bool,
        ids: Iterator[int],
    ) -> None:
        self.changes = Changes(labels, at)
        self._labels, self._table, self._at = labels, table, at
        self._specks, self._apart, self._ids = specks, apart, ids

    def take(
        self, patch: Patch, cell: int | None = None, but: int | None = None
    ) -> list[int]:
        """Make the pixels of cells background, and their fragments new cells.

        ``cell`` is the only cell to lose pixels, ``but`` the only one to keep them.
        Returns the ids of the cells that lose pixels.
        """
        now = self._labels[self._at][patch.box]
        found = [n for n in np.unique(now[patch.mask]).tolist() if n and n != but]
        cells = [n for n in found if cell is None or n == cell]
        for one in cells:
            self.changes.put(patch.box, patch.mask & (now == one), 0, protect=False)
            if self._apart:
                self._split_off(one, patch)
        return cells

    def _split_off(self, cell: int, patch: Patch) -> None:
        """Make new cells of the fragments that a cell breaks into."""
        box, before = cell_mask(self._labels, self._table, cell, self._at)
        after = before & ~patch.inside(box)
        pieces = label_fragments(label_components(after), label_components(before))
        for number in range(1, int(pieces.max(initial=0)) + 1):
            piece = pieces == number
            small = np.count_nonzero(piece) < self._specks
            self.changes.put(box, piece, 0 if small else next(self._ids), False)
