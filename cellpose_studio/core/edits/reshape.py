"""Change the shape of cells: fill their holes, smooth, grow and shrink them.

``at`` is the index of a plane, or of a volume, whose cells are then taken as bodies.
Where a cell would come apart, the largest piece is kept and the rest is background.
A cell of which nothing would be left stays as it is. Without ``protect``, what is left
of the cells that are overwritten is not looked at, and may lie apart. ``checkpoint``
hears of each cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.edits.changes import At, Changes, Mask, of_cell
from cellpose_studio.core.edits.components import largest_overlap
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import LabelEdit

Reshape = Callable[[Labels, int], Mask]
"""Takes the labels around a cell and its id; returns the shape it should have."""


def fill_holes(
    labels: Labels,
    table: CellTable,
    cells: Sequence[int],
    at: At = (),
    *,
    protect: bool = True,
    checkpoint: Checkpoint | None = None,
) -> LabelEdit:
    """Return the edit that fills background enclosed by cells.

    Without ``protect``, cells that lie in the hole of another are filled as well.
    """
    from scipy.ndimage import binary_fill_holes

    def filled(now: Labels, cell: int) -> Mask:
        return binary_fill_holes(now == cell)

    how = _How("Fill holes", 0, filled, protect)
    return _reshaped(how, labels, table, cells, at, checkpoint)


def smooth(
    labels: Labels,
    table: CellTable,
    cells: Sequence[int],
    at: At = (),
    *,
    sigma: float = 2,
    protect: bool = True,
    checkpoint: Checkpoint | None = None,
) -> LabelEdit:
    """Return the edit that smooths the outlines of cells.

    A pixel belongs to the cell if most of a Gaussian window of ``sigma`` pixels does.
    """
    from scipy.ndimage import gaussian_filter

    def smoothed(now: Labels, cell: int) -> Mask:
        inside = (now == cell).astype(np.float32)
        return gaussian_filter(inside, sigma, mode="nearest", truncate=3) > 0.5

    how = _How("Smooth cells", ceil(3 * sigma), smoothed, protect)
    return _reshaped(how, labels, table, cells, at, checkpoint)


def grow(
    labels: Labels,
    table: CellTable,
    cells: Sequence[int],
    pixels: int,
    at: At = (),
    *,
    protect: bool = True,
    checkpoint: Checkpoint | None = None,
) -> LabelEdit:
    """Return the edit that grows cells by so many pixels.

    What several of them reach goes to the nearest, as in scikit-image's
    ``expand_labels``.
    """
    from skimage.segmentation import expand_labels

    chosen = set(cells)

    def grown(now: Labels, cell: int) -> Mask:
        near = [one for one in np.unique(now).tolist() if one in chosen]
        among = np.where(np.isin(now, near), now, 0)
        return expand_labels(among, pixels) == cell

    how = _How(f"Grow cells by {pixels} px", 2 * pixels, grown, protect)
    return _reshaped(how, labels, table, cells, at, checkpoint)


def shrink(
    labels: Labels,
    table: CellTable,
    cells: Sequence[int],
    pixels: int,
    at: At = (),
    *,
    checkpoint: Checkpoint | None = None,
) -> LabelEdit:
    """Return the edit that takes so many pixels off the outlines of cells.

    At the border of the image they keep theirs: there they go on.
    """
    from scipy.ndimage import distance_transform_edt

    def shrunk(now: Labels, cell: int) -> Mask:
        inside = now == cell
        return inside & ((distance_transform_edt(inside) > pixels) | inside.all())

    how = _How(f"Shrink cells by {pixels} px", 1, shrunk, True)
    return _reshaped(how, labels, table, cells, at, checkpoint)


@dataclass(frozen=True)
class _How:
    """How cells get another shape.

    Attributes
    ----------
    pad
        How far around a cell one has to look, px.
    protect
        Other cells keep their pixels.
    """

    name: str
    pad: int
    shape: Reshape
    protect: bool


def _reshaped(
    how: _How,
    labels: Labels,
    table: CellTable,
    cells: Sequence[int],
    at: At,
    checkpoint: Checkpoint | None,
) -> LabelEdit:
    checkpoint = checkpoint or Checkpoint()
    changes = Changes(labels, at)
    for n, cell in enumerate(cells):
        checkpoint.reached(n, len(cells), "cell")
        box, before = of_cell(labels, table, cell, at, how.pad)
        if not before.any():
            continue
        now = labels[at][box]
        after = how.shape(now, cell)
        if how.protect:
            after &= before | (now == 0)
        after = largest_overlap(before, after)
        if after.any():
            changes.put(box, before & ~after, 0, protect=False)
            changes.put(box, after, cell, how.protect)
    return changes.edit(how.name, cells)
