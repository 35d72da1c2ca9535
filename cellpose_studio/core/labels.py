"""What a label image contains: its cells, their outlines and their polygons."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.integer]
Points = npt.NDArray[np.int64]
Edge = tuple[int, int, int]

# Steps along pixel edges, clockwise when y points down: east, south, west, north.
_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))


def compacted(labels: Labels) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Return the labels as 1..N in the order of their ids, and the ids they had.

    ``ids[new]`` is the old id, and ``ids[0]`` is 0. ``labels`` is not changed, but
    is returned itself where there is nothing to change.
    """
    import fastremap

    present = fastremap.unique(labels)
    ids = np.concatenate([[0], present[present != 0]]).astype(np.uint32)
    if int(ids[-1]) == len(ids) - 1:
        return labels.astype(np.uint32, copy=False), ids
    return np.searchsorted(ids, labels).astype(np.uint32), ids


def cell_count(labels: Labels) -> int:
    """Return the number of different ids, background not counted."""
    import fastremap

    return int(np.count_nonzero(fastremap.unique(labels)))


def outlines(labels: Labels) -> npt.NDArray[np.bool_]:
    """Return the pixels of cells that touch something else, plane by plane.

    Something else is one of the four neighbours being background, another cell,
    or outside the image. Cellpose's ``masks_to_outlines`` gives the same for cells
    without holes; here, the rim of a hole belongs to the outline too.
    """
    inside = labels != 0
    edge = np.zeros(labels.shape, bool)
    for axis in (-2, -1):
        line = np.moveaxis(labels, axis, -1)
        at = np.moveaxis(edge, axis, -1)
        differs = line[..., 1:] != line[..., :-1]
        at[..., 1:] |= differs
        at[..., :-1] |= differs
        at[..., [0, -1]] = True
    return edge & inside


def contours(labels: Labels) -> dict[int, Points]:
    """Return for each cell of a plane the (x, y) of the pixels along its border.

    In the order in which one meets them on the way round. Of a cell in several
    parts it is the part with the longest border; holes are left out. The line runs
    through the centres of pixels, so it encloses less than the cell: see `polygons`.
    """
    import cv2

    found = {}
    for cell, (top, left), mask in _cells(labels):
        borders, _ = cv2.findContours(
            mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        longest = max(borders, key=len).reshape(-1, 2)
        found[cell] = longest.astype(np.int64) + np.array([left, top])
    return found


def polygons(labels: Labels) -> dict[int, list[Points]]:
    """Return for each cell of a plane the closed lines along its pixels' edges.

    Corners are (x, y) of pixel corners: pixel (0, 0) reaches from (0, 0) to (1, 1).
    A part of a cell runs clockwise on the screen, a hole the other way round, so
    that the signed areas add up to exactly the number of pixels. Pixels that touch
    at a corner belong together.
    """
    return {
        cell: [line + np.array([left, top]) for line in _edge_lines(mask)]
        for cell, (top, left), mask in _cells(labels)
    }


def _cells(
    labels: Labels,
) -> Iterator[tuple[int, tuple[int, int], npt.NDArray[np.bool_]]]:
    """Yield each cell's id, the top and left of its bounding box, and its mask there.

    Looking only at the boxes is what makes thousands of cells take a second.
    """
    from scipy.ndimage import find_objects

    compact, ids = compacted(labels)
    for number, box in enumerate(find_objects(compact.astype(np.int32)), start=1):
        yield int(ids[number]), (box[0].start, box[1].start), compact[box] == number


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
