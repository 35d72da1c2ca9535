"""Closed lines with draggable vertices that keep their exact shape between them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
"""(N, 2) y and x, px; the first pixel reaches from -0.5 to 0.5."""

_NONE: Points = np.empty((0, 2))
_FEWEST = 4
"""So many vertices a line has at first, however small what it goes around."""


@dataclass(frozen=True, eq=False)
class Ring:
    """A closed line around a part of a cell, or around a hole.

    Attributes
    ----------
    vertices
        Draggable vertices, clockwise on the screen around a part, else around a hole.
    sides
        For each vertex the corners of pixels on the way to the next one; none where
        the way is straight.
    """

    vertices: Points
    sides: tuple[Points, ...]

    def line(self) -> Points:
        """Return all corners of the line; the last connects to the first."""
        each = zip(self.vertices, self.sides, strict=True)
        return np.concatenate([part for at, side in each for part in (at[None], side)])

    def move_vertex(self, vertex: int, to: Points) -> Ring:
        """Return the ring with a vertex moved to ``to``, (2,)."""
        vertices = self.vertices.copy()
        vertices[vertex] = to
        sides = list(self.sides)
        sides[vertex - 1] = sides[vertex] = _NONE
        return Ring(vertices, tuple(sides))

    def delete_vertex(self, vertex: int) -> Ring:
        """Return the ring without a vertex."""
        sides = list(self.sides)
        sides[vertex - 1] = _NONE
        del sides[vertex]
        return Ring(np.delete(self.vertices, vertex, axis=0), tuple(sides))

    def add_vertex(self, side: int, near: Points) -> Ring:
        """Return the ring with one more vertex on a side, near a point (2,).

        ``side`` is the number of the vertex that it starts at. Pixels stay the same
        until the new vertex is moved.
        """
        way = self.sides[side]
        if len(way):
            n = int(np.argmin(((way - near) ** 2).sum(axis=1)))
            new, halves = way[n], [way[:n], way[n + 1 :]]
        else:
            end = self.vertices[(side + 1) % len(self.vertices)]
            new, halves = _nearest(self.vertices[side], end, near), [_NONE, _NONE]
        sides = (*self.sides[:side], *halves, *self.sides[side + 1 :])
        return Ring(np.insert(self.vertices, side + 1, new, axis=0), sides)

    def side_near(self, point: Points) -> tuple[int, float]:
        """Return the side closest to a point (2,), and its distance, px."""
        away = [self._away(side, point) for side in range(len(self.sides))]
        side = int(np.argmin(away))
        return side, away[side]

    def _away(self, side: int, point: Points) -> float:
        end = self.vertices[[(side + 1) % len(self.vertices)]]
        way = np.concatenate([self.vertices[[side]], self.sides[side], end])
        nearest = [_nearest(start, stop, point) for start, stop in pairwise(way)]
        return min(float(np.hypot(*(at - point))) for at in nearest)


def ring_along(line: Points, tolerance: float) -> Ring:
    """Choose vertices of a closed line; the corners between them are its sides.

    They are those of Douglas and Peucker (Cartographica 10, 1973): straight lines
    between them come within ``tolerance`` pixels of all corners. OpenCV's
    ``approxPolyDP`` strays up to 1.3 times as far from some corners, leaves small
    outlines fewer than four vertices, and returns no indices.
    """
    chosen = _chosen(line, tolerance)
    ends = [*chosen[1:], len(line)]
    sides = tuple(line[a + 1 : b] for a, b in zip(chosen, ends, strict=True))
    return Ring(line[chosen], sides)


def _nearest(start: Points, stop: Points, point: Points) -> Points:
    """Return the point of a line segment that is closest to another point."""
    way = stop - start
    # The tiny number is for a side whose ends coincide.
    share = float(np.dot(point - start, way)) / max(float(np.dot(way, way)), 1e-12)
    return start + min(max(share, 0.0), 1.0) * way


def _chosen(line: Points, tolerance: float) -> list[int]:
    """Return which corners of a closed line to keep, ascending; four if it has them."""
    # A closed line has no ends, so it is cut into two at distant corners.
    across = int(np.argmax(((line - line[0]) ** 2).sum(axis=1)))
    closed = np.concatenate([line, line[:1]])
    kept, spans = {0, across}, [(0, across), (across, len(line))]
    while spans:
        a, b = spans.pop()
        away = _away(closed[a + 1 : b], closed[a], closed[b])
        far = a + 1 + int(np.argmax(away)) if len(away) else a
        if len(away) and (away[far - a - 1] > tolerance or len(kept) < _FEWEST):
            kept.add(far)
            spans += [(a, far), (far, b)]
    return sorted(kept)


def _away(points: Points, start: Points, stop: Points) -> npt.NDArray[np.float64]:
    """Return how far points are from a straight line that has two ends."""
    way = stop - start
    share = (points - start) @ way / max(float(way @ way), 1e-12)
    nearest = start + np.clip(share, 0, 1)[:, None] * way
    return np.sqrt(((points - nearest) ** 2).sum(axis=1))
