"""Draw cells, add to them, cut from them and erase.

All act on one plane: ``at`` is its index in a stack, () in a single plane. Cells that
lose pixels may come apart; `core.edits.components` says which piece stays the cell. The
others become new cells, or background if they have fewer than ``specks`` pixels.

In a volume, pieces that are apart in one plane may hang together in others: with
``apart`` of False they stay the cell. It also spares looking at the whole cell while
a stroke is under way.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cellpose_studio.core.edits.changes import At, Changes, of_cell
from cellpose_studio.core.edits.components import largest, parts, split_off_fragments
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
    protect: bool = True,
    specks: int = 0,
    apart: bool = True,
) -> LabelEdit:
    """Return the edit that makes a new cell, or one without change if no room is left.

    Where cells that are protected leave it in several parts, it is the largest.
    """
    ids = table.new_ids()
    cell = next(ids)
    free = patch.mask & (labels[at][patch.box] == 0) if protect else patch.mask
    room = Patch(patch.box, largest(free))
    painter = _Painter(labels, table, at, specks, apart, ids)
    if not protect:
        painter.take(room, cell=None, but=cell)
    painter.changes.put(room.box, room.mask, cell, protect)
    return painter.changes.edit("Draw cell", [cell] if room.mask.any() else [])


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
    """Takes pixels from cells of a plane."""

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
        """Make background of what cells have there, and cells of what comes apart.

        ``cell`` is the only one to lose pixels, ``but`` the only one not to. Returns
        the ids of those that do.
        """
        now = self._labels[self._at][patch.box]
        found = [n for n in np.unique(now[patch.mask]).tolist() if n and n != but]
        cells = [n for n in found if cell is None or n == cell]
        for one in cells:
            self.changes.put(patch.box, patch.mask & (now == one), 0, protect=False)
            if self._apart:
                self._part(one, patch)
        return cells

    def _part(self, cell: int, patch: Patch) -> None:
        """Give the pieces that a cell comes apart into to new cells."""
        box, before = of_cell(self._labels, self._table, cell, self._at)
        after = before & ~patch.inside(box)
        pieces = split_off_fragments(parts(after), parts(before))
        for number in range(1, int(pieces.max(initial=0)) + 1):
            piece = pieces == number
            small = np.count_nonzero(piece) < self._specks
            self.changes.put(box, piece, 0 if small else next(self._ids), False)
