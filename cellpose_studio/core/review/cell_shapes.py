"""Measurements of cells for review: size, roundness and bounding box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.snapshot import Snapshot

_LARGEST_TABLE = 1 << 26
"""Ids below this index a table directly; higher ones are renumbered first."""

Counts = npt.NDArray[np.int64]
Bounds = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False, kw_only=True)
class CellShapes:
    """Size, roundness and bounding box of the cells of a label image.

    Attributes
    ----------
    ids
        (N,) ids of the cells, ascending.
    pixels
        (N,) sizes, in all time points together.
    times
        (N,) in how many time points they are.
    roundness
        (N,) 4 pi area / perimeter², 1 for discs and less for anything else. Of a
        cell in several planes it is that of a prism with its mean outline.
    low, high
        (N, axes) bounds of the boxes; ``high`` is one beyond the last pixel.
    at_border
        (N,) whether a cell touches the edge of the image in Y or X and may be cut off.
    """

    ids: npt.NDArray[np.uint32]
    pixels: Counts
    times: Counts
    roundness: npt.NDArray[np.float64]
    low: Bounds
    high: Bounds
    at_border: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.ids)

    @property
    def sizes(self) -> npt.NDArray[np.float64]:
        """(N,) pixels; of cells in several time points the mean over these."""
        return self.pixels / self.times


def cell_shapes(labels: Labels, in_time: bool = False) -> CellShapes:
    """Measure all cells; releases the GIL.

    ``in_time`` tells that the first axis is time.
    """
    compact, ids = _renumber(labels)
    lead = (1,) * (4 - labels.ndim)
    shape = (
        (labels.shape[0], *lead, *labels.shape[1:]) if in_time else lead + labels.shape
    )
    size = len(ids) if ids is not None else int(compact.max(initial=0)) + 1
    pixels, sides = np.zeros(size, np.int64), np.zeros((size, 2), np.int64)
    # The last time point in which a cell was seen, and in how many it was.
    times = np.stack([np.full(size, -1, np.int64), np.zeros(size, np.int64)], axis=1)
    # The first pixel of a cell is below any such bound, so it is no special case.
    low = np.full((size, 4), np.iinfo(np.int32).max, np.int32)
    high = np.zeros((size, 4), np.int32)
    pages = np.ascontiguousarray(compact).reshape(shape)
    _measure(pages, pixels, times, sides, low, high)
    present = np.flatnonzero(pixels)
    low, high = low[present], high[present]
    planes = np.prod((high - low)[:, :2], axis=1)
    return CellShapes(
        ids=(present if ids is None else ids[present]).astype(np.uint32),
        pixels=pixels[present],
        times=times[present, 1],
        roundness=_roundness(pixels[present], sides[present], planes),
        low=_axes(low, labels.ndim, in_time),
        high=_axes(high, labels.ndim, in_time),
        at_border=_touches(low, high, labels.shape),
    )


def part_shapes(
    labels: Labels | Snapshot,
    cell: int,
    box: tuple[slice, ...],
    in_time: bool = False,
) -> CellShapes:
    """Measure one cell that lies in ``box``; the result is empty if it was deleted."""
    # A margin of one pixel keeps the cell from looking cut off at the box.
    around = tuple(
        slice(max(part.start - 1, 0), min(part.stop + 1, size))
        for part, size in zip(box, labels.shape, strict=True)
    )
    seen = labels[around]
    # A mask is measured, because the id may be too high for a table.
    found = cell_shapes((seen == cell).astype(np.uint32), in_time)
    offset = np.array([part.start for part in around], np.int32)
    low, high = found.low + offset, found.high + offset
    return CellShapes(
        # The mask has the id 1, or no id if the cell is gone.
        ids=found.ids * np.uint32(cell),
        pixels=found.pixels,
        times=found.times,
        roundness=found.roundness,
        low=low,
        high=high,
        at_border=_touches(low, high, labels.shape),
    )


def _axes(bounds: Bounds, axes: int, in_time: bool) -> Bounds:
    """Return the columns of bounds along T, Z, Y and X of axes that labels have."""
    if in_time and axes < 4:
        return bounds[:, [0, *range(5 - axes, 4)]]
    return bounds[:, 4 - axes :]


def _renumber(labels: Labels) -> tuple[Labels, npt.NDArray[np.uint32] | None]:
    """Return labels with ids low enough for a table, and the ids they had."""
    if labels.max(initial=0) < _LARGEST_TABLE:
        return labels, None
    from cellpose_studio.core.masks.labels import compact_labels

    return compact_labels(labels)


def _roundness(
    pixels: Counts, sides: Counts, planes: npt.NDArray[np.int32]
) -> npt.NDArray[np.float64]:
    """Return 4 pi area / perimeter², with the perimeter by Crofton's formula.

    It counts how often lines in four directions cross the outline; the diagonal ones
    lie closer together by the root of 2.
    """
    perimeter = np.pi / 8 * (sides[:, 0] + sides[:, 1] / np.sqrt(2))
    # Of cells of a few pixels, the estimated perimeter is too short.
    return np.minimum(4 * np.pi * pixels * planes / perimeter**2, 1.0)


def _touches(
    low: Bounds, high: Bounds, shape: tuple[int, ...]
) -> npt.NDArray[np.bool_]:
    """Return which boxes touch the edge of the image in Y or X."""
    return np.any((low[:, -2:] == 0) | (high[:, -2:] == shape[-2:]), axis=1)


@compiled
def _measure(
    labels: Labels,
    pixels: Counts,
    times: Counts,
    sides: Counts,
    low: Bounds,
    high: Bounds,
) -> None:
    frames, planes, height, width = labels.shape
    for t in range(frames):
        for z in range(planes):
            plane = labels[t, z]
            for y in range(height):
                # At the edge, a row stands in for the missing one; `_sides` corrects
                # the counts.
                above = plane[max(y - 1, 0)]
                here = plane[y]
                below = plane[min(y + 1, height - 1)]
                edge = y in (0, height - 1)
                for x in range(width):
                    cell = here[x]
                    if cell == 0:
                        continue
                    pixels[cell] += 1
                    if times[cell, 0] != t:
                        times[cell, 0] = t
                        times[cell, 1] += 1
                    left, right = max(x - 1, 0), min(x + 1, width - 1)
                    straight = (
                        (above[x] != cell)
                        + (below[x] != cell)
                        + (here[left] != cell)
                        + (here[right] != cell)
                    )
                    diagonal = (
                        (above[left] != cell)
                        + (above[right] != cell)
                        + (below[left] != cell)
                        + (below[right] != cell)
                    )
                    if edge or x in (0, width - 1):
                        straight, diagonal = _sides(plane, y, x)
                    # A pixel inside a cell changes neither its outline nor its box.
                    if straight + diagonal == 0:
                        continue
                    sides[cell, 0] += straight
                    sides[cell, 1] += diagonal
                    _widen(low[cell], high[cell], t, z, y, x)


@compiled
def _sides(plane: Labels, y: int, x: int) -> tuple[int, int]:
    """Count the neighbours of a pixel that differ or lie beyond the edge."""
    height, width = plane.shape
    straight = diagonal = 0
    for dy in range(-1, 2):
        for dx in range(-1, 2):
            v, u = y + dy, x + dx
            inside = 0 <= v < height and 0 <= u < width
            if inside and plane[v, u] == plane[y, x]:
                continue
            if dy != 0 and dx != 0:
                diagonal += 1
            else:
                straight += 1
    return straight, diagonal


@compiled
def _widen(low: Bounds, high: Bounds, t: int, z: int, y: int, x: int) -> None:
    for axis, at in enumerate((t, z, y, x)):
        low[axis] = min(low[axis], at)
        high[axis] = max(high[axis], at + 1)
