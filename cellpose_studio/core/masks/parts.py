"""Cells of a plane as simple polygons with holes, valid by the rules of the OGC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.masks.edge_lines import EdgeLines, Labels, Points, edge_lines


@dataclass(frozen=True, eq=False)
class Part:
    """A connected part of a cell.

    Attributes
    ----------
    shell
        (N, 2) of (x, y) of pixel corners around it, none of them twice. It runs
        clockwise on the screen, which is counter-clockwise where y points upwards.
    holes
        The same for each hole in it, in the opposite direction.
    """

    shell: Points
    holes: list[Points]

    @property
    def rings(self) -> list[Points]:
        """The shell, and the holes after it."""
        return [self.shell, *self.holes]


def parts_of_cells(labels: Labels) -> Iterator[tuple[int, list[Part]]]:
    """Yield each cell of a plane (Y, X) with its parts; ids ascend.

    Pixels that touch at a corner only are different parts. The polygons are valid:
    no ring touches itself, rings touch each other at single points only, and the
    interior of each part is connected.
    """
    found = edge_lines(labels, corners_join=False)
    touching = _touching(found)
    at = 0
    for cell, lines in found.by_cell():
        simple = not touching[at : at + len(lines)].any()
        at += len(lines)
        if simple and len(lines) == 1:
            yield cell, [Part(lines[0], [])]
            continue
        rings = lines if simple else [r for line in lines for r in _simple_rings(line)]
        areas = [signed_area(ring) for ring in rings]
        # The smallest shell first: it is the innermost of those around a hole.
        shells = sorted(
            (n for n, area in enumerate(areas) if area > 0), key=areas.__getitem__
        )
        parts = {n: Part(rings[n], []) for n in shells}
        for n, area in enumerate(areas):
            if area < 0:
                parts[_shell_around(rings, n, shells)].holes.append(rings[n])
        yield cell, [parts[n] for n in sorted(shells)]


def signed_area(ring: npt.NDArray[np.number]) -> float:
    """Return the area in a closed line, positive if it runs clockwise on screen."""
    x, y = ring[:, 0].astype(np.float64), ring[:, 1].astype(np.float64)
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _touching(lines: EdgeLines) -> npt.NDArray[np.bool_]:
    """Return for each line whether it comes to a point twice."""
    count = len(lines.cells)
    points = lines.points.astype(np.int64)
    owner = np.repeat(np.arange(count), np.diff(lines.starts))
    width, height = points.max(axis=0, initial=0) + 1
    places = (owner * height + points[:, 1]) * width + points[:, 0]
    places.sort()
    twice = places[1:][places[1:] == places[:-1]]
    touching = np.zeros(count, bool)
    touching[twice // (width * height)] = True
    return touching


def _simple_rings(line: Points) -> Iterator[Points]:
    """Cut a line that touches itself into lines that do not."""
    corners = [*map(tuple, line.tolist())]
    path: list[int] = []
    place: dict[tuple[int, ...], int] = {}
    for n, corner in enumerate(corners):
        if corner in place:
            start = place[corner]
            yield line[path[start:]]
            for other in path[start:]:
                del place[corners[other]]
            del path[start:]
        place[corner] = len(path)
        path.append(n)
    yield line[path]


def _shell_around(rings: list[Points], hole: int, shells: list[int]) -> int:
    """Return the innermost of shells around a pixel at the rim of a hole."""
    if len(shells) == 1:
        return shells[0]
    (x, y), (x1, y1) = rings[hole][:2].tolist()
    along = (np.sign(x1 - x), np.sign(y1 - y))
    # The cell lies to the right of its line.
    centre_x = x + (along[0] - along[1]) / 2
    centre_y = y + (along[1] + along[0]) / 2
    return next(n for n in shells if _contains(rings[n], centre_x, centre_y))


def _contains(ring: Points, x: float, y: float) -> bool:
    """Return whether a point that is on no edge lies within a closed line."""
    below = ring[:, 1] > y
    crosses = below != np.roll(below, -1)
    # Edges run along an axis, so those that cross a row are vertical.
    return bool(np.count_nonzero(ring[crosses, 0] > x) % 2)
