"""What is known of the cells of a block, and of all blocks together.

Tables of cells stay small however large the image is: they are what blocks are joined
by. Each column is an array with one item, or row, per cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled
from cellpose_studio.engine.flows.boxes import Box, start_of

Ints = npt.NDArray[np.int64]
Labels = npt.NDArray[np.uint32]


@dataclass(frozen=True, eq=False, kw_only=True)
class CellsOfBlocks:
    """Cells, each of them as far as it was seen.

    Attributes
    ----------
    keys
        (N,) what a cell is known by in all blocks.
    pixels
        (N,) how many it has.
    shown
        (N,) how many pixels of masks show it, which may have another size.
    first
        (N,) flat index of its first pixel in its part.
    low, high
        (N, 3) its first and last + 1 pixel along each axis.
    """

    keys: Ints
    pixels: Ints
    shown: Ints
    first: Ints
    low: Ints
    high: Ints

    def __len__(self) -> int:
        return len(self.keys)

    def packed(self) -> Ints:
        """Return all columns as one array (N, 10)."""
        columns = (self.keys, self.pixels, self.shown, self.first)
        return np.concatenate([np.stack(columns, -1), self.low, self.high], 1)

    @classmethod
    def unpacked(cls, rows: Ints) -> CellsOfBlocks:
        """Return the cells of `packed`."""
        return cls(
            keys=rows[:, 0],
            pixels=rows[:, 1],
            shown=rows[:, 2],
            first=rows[:, 3],
            low=rows[:, 4:7],
            high=rows[:, 7:10],
        )

    @classmethod
    def none(cls) -> CellsOfBlocks:
        """Return no cells."""
        return cls.unpacked(np.zeros((0, 10), np.int64))

    def among(self, stays: npt.NDArray[np.bool_]) -> CellsOfBlocks:
        """Return those of the cells for which ``stays``."""
        return CellsOfBlocks.unpacked(self.packed()[stays])


def cells_of(
    labels: Labels, keys: Ints, core: Box, shape: tuple[int, ...], weights: list[Ints]
) -> CellsOfBlocks:
    """Tabulate the cells of a block.

    Parameters
    ----------
    labels
        (z, y, x) numbers from 1, of which all have a pixel.
    keys
        (N,) key of each.
    core
        Where the block lies in its part, of this ``shape``.
    weights
        For each axis, how often each of the block's pixels is shown.
    """
    count = len(keys)
    pixels, shown = np.zeros((2, count), np.int64)
    first = np.full(count, -1, np.int64)
    low = np.full((count, 3), np.iinfo(np.int64).max)
    high = np.zeros((count, 3), np.int64)
    z, y, x = start_of(core)
    sides = (shape[0], shape[1], shape[2])
    weight_z, weight_y, weight_x = weights
    _tabulate(
        labels,
        (z, y, x),
        sides,
        weight_z,
        weight_y,
        weight_x,
        pixels,
        shown,
        first,
        low,
        high,
    )
    return CellsOfBlocks(
        keys=keys, pixels=pixels, shown=shown, first=first, low=low, high=high
    )


@compiled
def _tabulate(
    labels: Labels,
    origin: tuple[int, int, int],
    shape: tuple[int, int, int],
    weight_z: Ints,
    weight_y: Ints,
    weight_x: Ints,
    pixels: Ints,
    shown: Ints,
    first: Ints,
    low: Ints,
    high: Ints,
) -> None:
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            weight = weight_z[z] * weight_y[y]
            for x in range(labels.shape[2]):
                cell = labels[z, y, x]
                if cell == 0:
                    continue
                n = cell - 1
                pixels[n] += 1
                shown[n] += weight * weight_x[x]
                place = (z + origin[0], y + origin[1], x + origin[2])
                if first[n] < 0:
                    first[n] = (place[0] * shape[1] + place[1]) * shape[2] + place[2]
                for axis in range(3):
                    low[n, axis] = min(low[n, axis], place[axis])
                    high[n, axis] = max(high[n, axis], place[axis] + 1)


def joined(tables: list[CellsOfBlocks]) -> tuple[CellsOfBlocks, list[Ints]]:
    """Return the cells of all blocks, in the order of their first pixels.

    A cell of several blocks, which has the same key in all of them, is one. The second
    result has for each table the number of each of its cells, from 0.
    """
    if not tables:
        return CellsOfBlocks.none(), []
    rows = np.concatenate([table.packed() for table in tables])
    if not len(rows):
        return CellsOfBlocks.unpacked(rows), [rows[:, 0]] * len(tables)
    keys, cell = np.unique(rows[:, 0], return_inverse=True)
    found = np.zeros((len(keys), 10), np.int64)
    found[:, 0] = keys
    found[:, 3:7] = np.iinfo(np.int64).max
    np.add.at(found[:, 1:3], cell, rows[:, 1:3])
    np.minimum.at(found[:, 3:7], cell, rows[:, 3:7])
    np.maximum.at(found[:, 7:], cell, rows[:, 7:])
    order = np.argsort(found[:, 3], kind="stable")
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    ends = np.cumsum([len(table) for table in tables])[:-1]
    return CellsOfBlocks.unpacked(found[order]), np.split(number[cell], ends)


def compact(labels: Labels) -> tuple[Labels, Ints]:
    """Return labels numbered from 1 in the order of their numbers, and these."""
    present = np.unique(labels)
    numbers = present[present > 0].astype(np.int64)
    table = np.zeros(int(labels.max(initial=0)) + 1, np.uint32)
    table[numbers] = np.arange(1, len(numbers) + 1)
    return table[labels], numbers
