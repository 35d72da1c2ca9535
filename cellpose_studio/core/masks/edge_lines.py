"""Closed lines around all cells of a plane, fast enough for tens of thousands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled

Labels = npt.NDArray[np.uint32]
Points = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class EdgeLines:
    """Closed lines along the edges of pixels; see `core.masks.labels.polygons`.

    Attributes
    ----------
    points
        (N, 2) of (x, y) of pixel corners, those of one line after the other.
    starts
        (L + 1,) where each line begins, and the end of the last.
    cells
        (L,) which cell each line belongs to, ascending.
    """

    points: Points
    starts: npt.NDArray[np.int64]
    cells: npt.NDArray[np.uint32]

    def by_cell(self) -> Iterator[tuple[int, list[Points]]]:
        """Yield each cell with its lines: its parts, and holes in them."""
        ids, first = np.unique(self.cells, return_index=True)
        bounds = np.append(first, len(self.cells)).tolist()
        for cell, begin, end in zip(ids.tolist(), bounds, bounds[1:], strict=False):
            lines = range(begin, end)
            yield (
                cell,
                [self.points[self.starts[n] : self.starts[n + 1]] for n in lines],
            )


def edge_lines(labels: Labels, corners_join: bool = True) -> EdgeLines:
    """Trace the edges of all cells of a plane (Y, X); releases the GIL.

    ``corners_join`` tells whether pixels that touch at a corner only are connected.
    """
    followed = np.zeros(labels.shape, np.bool_)
    points, starts, cells = _follow_all(
        np.ascontiguousarray(labels), followed, corners_join
    )
    # A stable sort leaves the lines of a cell in the order in which they were found.
    order = np.argsort(cells, kind="stable")
    lengths = np.diff(starts)[order]
    begins = np.concatenate([[0], np.cumsum(lengths)])
    # Gathering all points with one index array is much faster than line by line.
    shift = np.repeat(starts[:-1][order] - begins[:-1], lengths)
    return EdgeLines(points[np.arange(len(shift)) + shift], begins, cells[order])


@compiled
def _follow_all(
    labels: Labels, followed: npt.NDArray[np.bool_], corners_join: bool
) -> tuple[Points, npt.NDArray[np.int64], npt.NDArray[np.uint32]]:
    height, width = labels.shape
    points = np.empty((1024, 2), np.int32)
    starts = np.zeros(256, np.int64)
    cells = np.zeros(256, np.uint32)
    count, lines = 0, 0
    for y in range(height):
        for x in range(width):
            cell = labels[y, x]
            if cell == 0 or followed[y, x] or not _is_edge(labels, cell, y, x, 0):
                continue
            if lines + 2 > len(starts):
                starts = np.concatenate((starts, np.zeros_like(starts)))
                cells = np.concatenate((cells, np.zeros_like(cells)))
            v, u, step = y, x, 0
            # Scanning from the top left meets every line first at an upper edge, so
            # only upper edges need to be marked as followed.
            while True:
                if count == len(points):
                    points = np.concatenate((points, np.empty_like(points)))
                points[count, 0], points[count, 1] = u, v
                count += 1
                turned = step
                while turned == step:
                    if step == 0:
                        followed[v, u] = True
                    v += (step == 1) - (step == 3)
                    u += (step == 0) - (step == 2)
                    turned = _turn(labels, cell, v, u, step, corners_join)
                step = turned
                if v == y and u == x and step == 0:
                    break
            cells[lines] = cell
            lines += 1
            starts[lines] = count
    # Views would keep the longer arrays in memory.
    return points[:count].copy(), starts[: lines + 1].copy(), cells[:lines].copy()


@compiled
def _turn(
    labels: Labels, cell: int, y: int, x: int, step: int, corners_join: bool
) -> int:
    """Return the direction in which the line continues from a corner.

    Where there is a choice, pixels touch at a corner only: a turn to the left connects
    them, and one to the right does not.
    """
    for turn in range(-1, 2):
        following = (step + (turn if corners_join else -turn)) % 4
        if _is_edge(labels, cell, y, x, following):
            return following
    return step


@compiled
def _is_edge(labels: Labels, cell: int, y: int, x: int, step: int) -> bool:
    """Return whether the cell ends at the edge that starts at a corner.

    Steps are east, south, west and north, with the cell on the right.
    """
    down = y - (step == 2 or step == 3)
    right = x - (step == 1 or step == 2)
    beyond_down = y - (step == 0 or step == 3)
    beyond_right = x - (step == 2 or step == 3)
    return _is(labels, cell, down, right) and not _is(
        labels, cell, beyond_down, beyond_right
    )


@compiled
def _is(labels: Labels, cell: int, y: int, x: int) -> bool:
    height, width = labels.shape
    return 0 <= y < height and 0 <= x < width and labels[y, x] == cell
