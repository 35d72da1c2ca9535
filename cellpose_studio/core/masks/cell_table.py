"""Table of the sizes and bounding boxes of cells, updated by every edit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Self

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import IdsUsedUp
from cellpose_studio.core.masks.cell_scan import (
    Bounds,
    Counts,
    Ids,
    scan_cells,
    shrink_all,
    tally_cells,
)
from cellpose_studio.core.masks.chunks import CHUNK, Labels
from cellpose_studio.core.masks.edit import ChunkEdit, LabelEdit

Box = tuple[slice, ...]
Rows = npt.NDArray[np.int64]

HIGHEST_ID = 2**32 - 1
"""What a pixel can hold."""


class CellTable:
    """Pixels and bounding box of each cell of a label image.

    Parameters
    ----------
    shape
        Shape of the label image: YX, ZYX, TYX or TZYX.
    ids
        (N,) ids of the cells, without the background.
    pixels
        (N,) size of each cell.
    low, high
        (N, axes) bounds of the boxes; ``high`` is one beyond the last pixel.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        ids: Ids,
        pixels: Counts,
        low: Bounds,
        high: Bounds,
    ) -> None:
        self._shape = shape
        # Deleted cells keep their row: an undo may restore them, and their ids must
        # not be given to other cells.
        self._rows = {cell: row for row, cell in enumerate(ids.tolist())}
        self._ids, self._pixels, self._low, self._high = ids, pixels, low, high
        self._highest = int(ids.max(initial=0))

    @classmethod
    def of(cls, labels: Labels, highest: int = 0) -> Self:
        """Measure a label image in one pass over its pixels; releases the GIL.

        ``highest`` is the highest id that its label set has ever had, if known.
        """
        ids, pixels, low, high = scan_cells(_all_axes(labels))
        # The compiled loops know four axes only, so those of length 1 are dropped here.
        axes = slice(4 - labels.ndim, None)
        table = cls(labels.shape, ids, pixels, low[:, axes], high[:, axes])
        table.reserve(highest)
        return table

    def __len__(self) -> int:
        """Return the number of cells."""
        return int(np.count_nonzero(self._pixels))

    def size_of(self, cell: int) -> int:
        """Return the number of pixels of a cell; 0 if there is no such cell."""
        row = self._rows.get(cell)
        return 0 if row is None else int(self._pixels[row])

    def box(self, cell: int) -> Box:
        """Return the bounding box of a cell; an empty one if there is no such cell."""
        row = self._rows.get(cell)
        if row is None or not self._pixels[row]:
            return tuple(slice(0, 0) for _ in self._shape)
        bounds = zip(self._low[row].tolist(), self._high[row].tolist(), strict=True)
        return tuple(slice(low, high) for low, high in bounds)

    def sizes_of(self, cells: Sequence[int]) -> Counts:
        """Return the pixels of cells; 0 for those that are not there."""
        return self._sizes(self._known_rows(cells))

    def box_areas(self, cells: Sequence[int], axis: int = 0) -> Counts:
        """Return the pixels of the boxes of cells, along the axes from ``axis`` on.

        0 for cells that are not there.
        """
        rows = self._known_rows(cells)
        there = self._sizes(rows) > 0
        sides = (self._high[rows[there]] - self._low[rows[there]])[:, axis:]
        areas = np.zeros(len(rows), np.int64)
        areas[there] = sides.prod(axis=1)
        return areas

    def extents(self, axis: int = 0) -> tuple[Ids, Counts, Counts]:
        """Return all cells, and the first and the last index of each along an axis."""
        rows = np.flatnonzero(self._present())
        rows = rows[np.argsort(self._ids[rows])]
        return self._ids[rows], self._low[rows, axis], self._high[rows, axis] - 1

    def ids(self) -> Ids:
        """Return the ids of all cells, ascending."""
        return np.sort(self._ids[self._present()])

    @property
    def highest(self) -> int:
        """The highest id that any cell has, or has had."""
        return self._highest

    def new_ids(self) -> Iterator[int]:
        """Yield ids that no cell has ever had; only then may `next_id` raise."""
        yield from count(self.next_id())

    def next_id(self) -> int:
        """Return an id that no cell has ever had; those above it are free as well.

        Raises
        ------
        IdsUsedUp
            If the highest id that a pixel can hold is in use.
        """
        if self._highest >= HIGHEST_ID:
            raise IdsUsedUp(
                f"A cell has the highest possible number, {HIGHEST_ID:,}, so no new "
                "cell can be added.",
                "Export the masks, number them from 1, and import them again.",
            )
        return self._highest + 1

    def reserve(self, cell: int) -> None:
        """Exclude all ids up to ``cell`` for new cells."""
        self._highest = max(self._highest, cell)

    def at_border(self, axes: int = 2) -> Ids:
        """Return the ids of cells that touch the border of the image, ascending.

        ``axes`` is the number of trailing axes that have a border: 3 in volumes.
        """
        low, high = self._low[:, -axes:], self._high[:, -axes:]
        touches = (low == 0) | (high == np.array(self._shape[-axes:]))
        return np.sort(self._ids[touches.any(axis=1) & self._present()])

    def smaller_than(self, pixels: int) -> Ids:
        """Return the ids of cells of fewer than ``pixels``, ascending."""
        return np.sort(self._ids[(self._pixels < pixels) & self._present()])

    def within(self, box: Box) -> Ids:
        """Return the ids of cells whose boxes overlap ``box``, ascending."""
        start, stop = np.array([(s.start, s.stop) for s in box]).T
        meets = (self._low < stop) & (self._high > start)
        return np.sort(self._ids[meets.all(axis=1) & self._present()])

    def change(self, edit: LabelEdit, labels: Labels) -> None:
        """Update the table for an edit; ``labels`` are those after it.

        The cost grows with the size of the edit. The box of a cell that has lost pixels
        on its faces shrinks from these faces inward.
        """
        gained = edit.gained or self._total(edit, lambda part: part.after)
        lost = edit.lost or self._total(edit, lambda part: part.before)
        # Its undo needs them, too.
        edit.keep_tallies(gained, lost)
        # A cell may both lose and gain pixels, so no box shrinks before all of them are
        # counted.
        shrinking = self._remove(*lost)
        self._add(*gained)
        self._shrink(shrinking, labels)

    def prepare(self, edit: LabelEdit) -> None:
        """Count ahead what `change` needs to know of an edit of many pixels.

        Any table of the same shape will do, in any thread.
        """
        edit.keep_tallies(
            self._total(edit, lambda part: part.after),
            self._total(edit, lambda part: part.before),
        )

    def _sizes(self, rows: Rows) -> Counts:
        """Return the pixels of rows; 0 for row -1, which is that of no cell."""
        known, sizes = rows >= 0, np.zeros(len(rows), np.int64)
        sizes[known] = self._pixels[rows[known]]
        return sizes

    def _present(self) -> npt.NDArray[np.bool_]:
        return self._pixels > 0

    def _remove(self, ids: Ids, counts: Counts, low: Bounds, high: Bounds) -> Rows:
        """Subtract the pixels that cells lose; return the rows whose box may shrink."""
        rows = self._rows_of(ids)
        self._pixels[rows] -= counts
        # Pixels that are lost inside a box do not change its bounds.
        at_face = (low == self._low[rows]) | (high == self._high[rows])
        shrinking = at_face.any(axis=1) & (self._pixels[rows] > 0)
        return rows[shrinking]

    def _add(self, ids: Ids, counts: Counts, low: Bounds, high: Bounds) -> None:
        """Add the pixels that cells gain, and extend their boxes."""
        rows = self._rows_of(ids)
        # The box of a cell that had no pixel left is outdated, and is replaced.
        new = (self._pixels[rows] == 0)[:, None]
        self._low[rows] = np.where(new, low, np.minimum(low, self._low[rows]))
        self._high[rows] = np.where(new, high, np.maximum(high, self._high[rows]))
        self._pixels[rows] += counts

    def _total(
        self, edit: LabelEdit, cells: Callable[[ChunkEdit], Labels]
    ) -> tuple[Ids, Counts, Bounds, Bounds]:
        """Return ids, pixels and boxes of the cells in an edit, each cell once."""
        tallies = [self._tally(part, cells(part)) for part in edit.parts]
        if len(tallies) == 1:
            return tallies[0]
        none = np.zeros((0, len(self._shape)), np.int64)
        # An edit without parts needs something to concatenate.
        tallies.append((none[:, 0].astype(np.uint32), none[:, 0], none, none))
        every, counts, low, high = (
            np.concatenate(part) for part in zip(*tallies, strict=True)
        )
        # `reduceat` reduces neighbours, so the tallies of each cell have to be
        # together.
        order = np.argsort(every, kind="stable")
        ids, first = np.unique(every[order], return_index=True)
        if not len(ids):
            return every, counts, low, high
        return (
            ids,
            np.add.reduceat(counts[order], first),
            np.minimum.reduceat(low[order], first),
            np.maximum.reduceat(high[order], first),
        )

    def _tally(
        self, part: ChunkEdit, cells: Labels
    ) -> tuple[Ids, Counts, Bounds, Bounds]:
        """Return ids, pixels and boxes of the cells in a part of an edit."""
        y, x = part.chunk_index.row * CHUNK, part.chunk_index.column * CHUNK
        width = min(CHUNK, self._shape[-1] - x)
        lead = (1,) * (4 - len(self._shape)) + self._shape[:-2]
        t, z = (int(n) for n in np.unravel_index(part.chunk_index.plane, lead))
        ids, counts, low, high = tally_cells(part.index, cells, width, t, z, y, x)
        axes = slice(4 - len(self._shape), None)
        return ids, counts, low[:, axes], high[:, axes]

    def _rows_of(self, ids: Ids) -> Rows:
        """Return the rows of cells; unknown cells get a new one."""
        rows = self._known_rows(ids.tolist())
        for n in np.flatnonzero(rows < 0).tolist():
            rows[n] = self._row(int(ids[n]))
        return rows

    def _known_rows(self, cells: Sequence[int]) -> Rows:
        """Return the rows of cells, -1 for unknown ones."""
        row = self._rows.get
        return np.array([row(cell, -1) for cell in cells], np.int64)

    def _row(self, cell: int) -> int:
        """Return the row of a cell; an unknown cell gets a new one."""
        if cell not in self._rows:
            row = self._rows[cell] = len(self._rows)
            if row == len(self._ids):
                self._make_room()
            self._ids[row] = cell
            self.reserve(cell)
        return self._rows[cell]

    def _make_room(self) -> None:
        # Doubling keeps the mean cost of a new cell constant.
        more = max(64, len(self._ids))
        for name in ("_ids", "_pixels", "_low", "_high"):
            old = getattr(self, name)
            room = np.zeros((more, *old.shape[1:]), old.dtype)
            setattr(self, name, np.concatenate([old, room]))

    def _shrink(self, rows: Rows, labels: Labels) -> None:
        """Move the faces of boxes inward, up to the pixels of their cells."""
        lead = 4 - labels.ndim
        low = np.zeros((len(rows), 4), np.int64)
        high = np.ones((len(rows), 4), np.int64)
        low[:, lead:], high[:, lead:] = self._low[rows], self._high[rows]
        shrink_all(_all_axes(labels), self._ids[rows], low, high)
        self._low[rows], self._high[rows] = low[:, lead:], high[:, lead:]


def _all_axes(labels: Labels) -> Labels:
    """Return a view (T, Z, Y, X)."""
    return labels.reshape((1,) * (4 - labels.ndim) + labels.shape)
