"""Compiled loops over runs of equal labels: which cells there are, and their shapes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled

Labels = npt.NDArray[np.uint32]
Ids = npt.NDArray[np.uint32]
Sums = npt.NDArray[np.int64]
Pairs = npt.NDArray[np.uint64]

PIXELS, SUM_Z, SUM_Y, SUM_X = 0, 1, 2, 3
SUM_ZZ, SUM_YY, SUM_XX, SUM_ZY, SUM_ZX, SUM_YX = 4, 5, 6, 7, 8, 9
LOW_Z, LOW_Y, LOW_X, HIGH_Z, HIGH_Y, HIGH_X = 10, 11, 12, 13, 14, 15
SIDE_X, SIDE_Y, SIDE_YX, SIDE_Z, SIDE_ZX, SIDE_ZY, SIDE_ZYX = 16, 17, 18, 19, 20, 21, 22
LAST = 23
WIDTH = 24
"""Columns of the sums of a cell. A side is the number of pairs of a pixel of the cell
and a neighbour that is none, by the axes along which the neighbour is another one."""

_SIDE = SIDE_X - 1
"""Plus 1, 2 and 4 for the axes X, Y and Z, it is the column of a side."""

_FREE = np.uint64(0)


def new_sums(cells: int) -> Sums:
    """Return (cells, `WIDTH`) sums of no pixel."""
    sums = np.zeros((cells, WIDTH), np.int64)
    sums[:, LOW_Z : LOW_X + 1] = np.iinfo(np.int64).max
    return sums


def merge_sums(sums: Sums, others: Sums) -> None:
    """Add the sums of other pixels of the same cells."""
    low = np.minimum(sums[:, LOW_Z : LOW_X + 1], others[:, LOW_Z : LOW_X + 1])
    high = np.maximum(sums[:, HIGH_Z : HIGH_X + 1], others[:, HIGH_Z : HIGH_X + 1])
    last = np.maximum(sums[:, LAST], others[:, LAST])
    sums += others
    sums[:, LOW_Z : LOW_X + 1] = low
    sums[:, HIGH_Z : HIGH_X + 1] = high
    sums[:, LAST] = last


@compiled
def add_key(table: Pairs, used: int, key: np.uint64) -> tuple[Pairs, int]:
    """Put a key above 0 into a table with open addressing; it doubles if half full."""
    mask = np.uint64(len(table) - 1)
    at = (key * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(20)) & mask
    while table[at] != _FREE:
        if table[at] == key:
            return table, used
        at = (at + np.uint64(1)) & mask
    table[at] = key
    used += 1
    if 2 * used < len(table):
        return table, used
    larger = np.zeros(2 * len(table), np.uint64)
    mask = np.uint64(len(larger) - 1)
    for old in table:
        if old == _FREE:
            continue
        at = (old * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(20)) & mask
        while larger[at] != _FREE:
            at = (at + np.uint64(1)) & mask
        larger[at] = old
    return larger, used


@compiled
def index_of(ids: Ids, cell: np.uint32) -> int:
    """Return where a cell is among ids, which ascend and have it."""
    # Cellpose numbers cells from 1 without gaps.
    guess = np.int64(cell) - 1
    if guess < len(ids) and ids[guess] == cell:
        return int(guess)
    return int(np.searchsorted(ids, cell))


@compiled
def _others(part: Labels, cell: np.uint32) -> int:
    count = 0
    for other in part:
        count += other != cell
    return count


@compiled
def _has_lower(part: Labels, cell: np.uint32) -> bool:
    """Return whether cells of lower ids are in a part of a row."""
    count = 0
    # Background, 0, becomes the highest number, so that one comparison is enough.
    one, limit = np.uint32(1), np.uint32(cell - 1)
    for other in part:
        count += bool(np.uint32(other - one) < limit)
    return count > 0


@compiled
def _touched(
    part: Labels, cell: np.uint32, table: Pairs, used: int
) -> tuple[Pairs, int]:
    """Note the pairs of a cell and cells of lower ids in a part of a row."""
    before = cell
    for other in part:
        # The cell of the lower id meets the pair as well.
        if other != before and other < cell and other != 0:
            key = (np.uint64(cell) << np.uint64(32)) | np.uint64(other)
            table, used = add_key(table, used, key)
        before = other
    return table, used


@compiled
def measure_band(
    labels: Labels,
    ids: Ids,
    place: tuple[int, int, int],
    deep: bool,
    sums: Sums,
    table: Pairs,
    used: int,
) -> tuple[Pairs, int]:
    """Add the pixels of a band of one plane to the sums of their cells.

    Parameters
    ----------
    labels
        (3, rows + 2, X + 2) as of `Slab.padded`.
    ids
        All ids, ascending.
    place
        Plane and first row of the band, and the number of its slab.
    deep
        Whether neighbours in other planes count.
    sums
        (cells, `WIDTH`), changed.
    table, used
        Pairs of cells that touch, for `add_key`.
    """
    z, top, slab = place
    _, height, width = labels.shape
    first, last = (0, 3) if deep else (1, 2)
    for row in range(1, height - 1):
        here = labels[1, row]
        y = top + row - 1
        x = 1
        while x < width - 1:
            cell = here[x]
            start = x
            while x < width - 1 and here[x] == cell:
                x += 1
            if cell == 0:
                continue
            of = sums[index_of(ids, cell)]
            _add_run(of, z, y, start - 1, x - 1)
            of[LAST] = max(of[LAST], slab)
            for plane in range(first, last):
                for step in range(-1, 2):
                    # Of its own row, only the neighbours at the ends are others.
                    straight = _SIDE + 2 * abs(step) + 4 * abs(plane - 1)
                    line = labels[plane, row + step]
                    table, used = _around(
                        line, start, x, cell, of, straight, table, used
                    )
    return table, used


@compiled
def _around(
    line: Labels,
    start: int,
    stop: int,
    cell: np.uint32,
    of: npt.NDArray[np.int64],
    straight: int,
    table: Pairs,
    used: int,
) -> tuple[Pairs, int]:
    """Count the neighbours of a run in another row that are not of the cell.

    ``straight`` is the column of those straight above or below.
    """
    same = _others(line[start:stop], cell)
    left, right = line[start - 1] != cell, line[stop] != cell
    if same == 0 and not left and not right:
        return table, used
    of[straight] += same
    # Shifted by one, the run loses a pixel at one end and gains one at the other.
    first, last = line[start] != cell, line[stop - 1] != cell
    of[straight + 1] += 2 * same - first + right - last + left
    part = line[start - 1 : stop + 1]
    if not _has_lower(part, cell):
        return table, used
    return _touched(part, cell, table, used)


@compiled
def _add_run(of: npt.NDArray[np.int64], z: int, y: int, start: int, stop: int) -> None:
    n = stop - start
    total = (start + stop - 1) * n // 2
    squares = _squares(stop) - _squares(start)
    of[PIXELS] += n
    of[SUM_Z] += n * z
    of[SUM_Y] += n * y
    of[SUM_X] += total
    of[SUM_ZZ] += n * z * z
    of[SUM_YY] += n * y * y
    of[SUM_XX] += squares
    of[SUM_ZY] += n * z * y
    of[SUM_ZX] += z * total
    of[SUM_YX] += y * total
    of[LOW_Z] = min(of[LOW_Z], z)
    of[LOW_Y] = min(of[LOW_Y], y)
    of[LOW_X] = min(of[LOW_X], start)
    of[HIGH_Z] = max(of[HIGH_Z], z + 1)
    of[HIGH_Y] = max(of[HIGH_Y], y + 1)
    of[HIGH_X] = max(of[HIGH_X], stop)


@compiled
def _squares(n: int) -> int:
    """Return the sum of the squares of the whole numbers below ``n``."""
    return (n - 1) * n * (2 * n - 1) // 6
