"""The outline of a cell as polygons whose vertices can be dragged.

Between vertices that were not moved, an outline follows the edges of the cell's
pixels. Only the sides next to a moved vertex are redrawn, and an unmodified outline
gives exactly the pixels that it was made from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.edits.changes import At, Changes, Mask, cell_mask
from cellpose_studio.core.edits.components import largest_overlap
from cellpose_studio.core.edits.outline import Points, Ring, ring_along
from cellpose_studio.core.masks.cell_table import Box, CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.masks.labels import polygons


@dataclass(frozen=True, eq=False)
class Handles:
    """The outline of a cell in a plane.

    Attributes
    ----------
    cell, at
        Id of the cell, and the index of its plane; () in a single plane.
    rings
        Outlines of all components and holes.
    """

    cell: int
    at: At
    rings: tuple[Ring, ...]

    def move_vertex(self, ring: int, vertex: int, to: Points) -> Handles:
        """Return the outline with a vertex moved to ``to``, (2,)."""
        return self._with(ring, self.rings[ring].move_vertex(vertex, to))

    def add_vertex(self, near: Points) -> Handles:
        """Return the outline with a new vertex on the side closest to a point (2,)."""
        sides = [ring.side_near(near) for ring in self.rings]
        n = min(range(len(sides)), key=lambda ring: sides[ring][1])
        return self._with(n, self.rings[n].add_vertex(sides[n][0], near))

    def delete_vertex(self, ring: int, vertex: int) -> Handles:
        """Return the outline without a vertex; a ring of three is removed with it."""
        if len(self.rings[ring].vertices) > 3:
            return self._with(ring, self.rings[ring].delete_vertex(vertex))
        return replace(self, rings=self.rings[:ring] + self.rings[ring + 1 :])

    def _with(self, number: int, ring: Ring) -> Handles:
        rings = (*self.rings[:number], ring, *self.rings[number + 1 :])
        return replace(self, rings=rings)


def polygon_of(
    labels: Labels, table: CellTable, cell: int, at: At = (), tolerance: float = 1.0
) -> Handles:
    """Return the outline of a cell with as few vertices as describe its shape.

    Straight lines between them come within ``tolerance`` pixels of the outline.
    """
    box, mask = cell_mask(labels, table, cell, at)
    if not mask.any():
        return Handles(cell, at, ())
    # `polygons` counts from the corner of a pixel, and outlines from its centre.
    corner = np.array([part.start for part in box]) - 0.5
    lines = polygons(mask.astype(np.uint32))[1]
    rings = tuple(ring_along(line[:, ::-1] + corner, tolerance) for line in lines)
    return Handles(cell, at, rings)


def edit_of(
    labels: Labels, table: CellTable, handles: Handles, *, protect: bool = True
) -> LabelEdit:
    """Return the edit that gives a cell the pixels inside its outline.

    A pixel is inside if its centre is. If other cells break the shape into fragments,
    the largest one is kept. A cell without rings is deleted.
    """
    cell, at = handles.cell, handles.at
    box = _around(handles, table, labels.shape)
    now = labels[at][box]
    before, after = now == cell, pixels_inside(handles, box)
    if protect:
        after = largest_overlap(after, after & (before | (now == 0)))
    changes = Changes(labels, at)
    changes.put(box, before & ~after, 0, protect=False)
    changes.put(box, after, cell, protect)
    return changes.edit("Reshape cell", [cell])


def pixels_inside(handles: Handles, box: Box) -> Mask:
    """Return which pixels of a box lie inside an outline.

    This is decided by winding numbers, so that components may overlap, and a hole
    that was dragged out of its cell adds nothing.
    """
    height, width = (part.stop - part.start for part in box)
    # The last column collects the crossings right of the box and is cut off.
    turns = np.zeros((height, width + 1), np.int32)
    corner = [part.start for part in box]
    for ring in handles.rings:
        line = ring.line() - corner
        for start, stop in zip(line, np.roll(line, -1, axis=0), strict=True):
            _cross(turns, start, stop)
    return np.cumsum(turns, axis=1)[:, :width] > 0


def _cross(turns: npt.NDArray[np.int32], start: Points, stop: Points) -> None:
    """Add the crossings of a line to the winding numbers, one per row."""
    low, high = np.sort([start[0], stop[0]])
    # The interval is half open: a vertex on a row counts for one of its two sides.
    first, last = max(int(np.ceil(low)), 0), min(int(np.ceil(high)), len(turns))
    if first < last:
        rows = np.arange(first, last)
        share = (rows - start[0]) / (stop[0] - start[0])
        x = start[1] + share * (stop[1] - start[1])
        # A crossing to the left of the box counts for its whole row.
        columns = np.clip(np.ceil(x), 0, turns.shape[1] - 1).astype(int)
        turns[rows, columns] += 1 if stop[0] < start[0] else -1


def _around(handles: Handles, table: CellTable, shape: tuple[int, ...]) -> Box:
    """Return a box of the plane that holds a cell and its outline."""
    box = table.box(handles.cell)[len(handles.at) :]
    corners = [np.array([(part.start, part.stop) for part in box]).T]
    corners += [ring.line() for ring in handles.rings]
    every = np.concatenate(corners)
    low = np.clip(np.floor(every.min(axis=0)), 0, shape[-2:]).astype(int)
    high = np.clip(np.ceil(every.max(axis=0)) + 1, low, shape[-2:]).astype(int)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
