"""The lines around cells, edge by edge in plain Python, to compare others with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.int64]
Edge = tuple[int, int, int]

# Steps along pixel edges, clockwise when y points down: east, south, west, north.
_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))


def lines_around(labels: npt.NDArray[np.integer]) -> dict[int, list[Points]]:
    """Return for each cell of a plane the closed lines of (x, y) along its edges."""
    cells = np.unique(labels[labels > 0]).tolist()
    return {cell: _edge_lines(labels == cell) for cell in cells}


def _edge_lines(mask: npt.NDArray[np.bool_]) -> list[Points]:
    """Follow the pixel edges between inside and outside, inside on the right."""
    edges = _directed_edges(mask)
    followed: set[Edge] = set()
    lines = []
    for start in sorted(edges):
        if start not in followed:
            line = _line_from(start, edges)
            followed.update(line)
            lines.append(_corners(line))
    return lines


def _directed_edges(mask: npt.NDArray[np.bool_]) -> set[Edge]:
    """Return (y, x, step) for each edge: the corner it starts at and its direction."""
    m = np.pad(mask, 1)
    here = m[1:-1, 1:-1]
    sides = (
        (here & ~m[:-2, 1:-1], 0, 0),  # top edge, from the left corner
        (here & ~m[1:-1, 2:], 0, 1),  # right edge, from the upper corner
        (here & ~m[2:, 1:-1], 1, 1),  # bottom edge, from the right corner
        (here & ~m[1:-1, :-2], 1, 0),  # left edge, from the lower corner
    )
    edges: set[Edge] = set()
    for step, (side, down, right) in enumerate(sides):
        ys, xs = np.nonzero(side)
        corners = zip((ys + down).tolist(), (xs + right).tolist(), strict=True)
        edges.update((y, x, step) for y, x in corners)
    return edges


def _line_from(start: Edge, edges: set[Edge]) -> list[Edge]:
    """Return the edges of the closed line that ``start`` belongs to."""
    line = [start]
    while True:
        y, x, step = line[-1]
        y, x = y + _STEPS[step][0], x + _STEPS[step][1]
        # Left before right: it crosses to a pixel that touches at this corner only.
        turns = ((y, x, (step + turn) % 4) for turn in (0, 3, 1))
        following = next(edge for edge in turns if edge in edges)
        if following == start:
            return line
        line.append(following)


def _corners(line: list[Edge]) -> Points:
    """Return the (x, y) where the line turns."""
    before = [line[-1], *line[:-1]]
    turns = zip(line, before, strict=True)
    return np.array([(x, y) for (y, x, step), last in turns if step != last[2]])
