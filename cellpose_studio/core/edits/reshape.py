"""Change the shape of cells: fill their holes, smooth, grow and shrink them.

``at`` is the index of a plane, or of a volume, whose cells are then taken as bodies.
Where a cell would come apart, the largest piece is kept and the rest is background.
A cell of which nothing would be left stays as it is. Without ``protect``, what is left
of the cells that are overwritten is not looked at, and may lie apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

import numpy as np

from cellpose_studio.core.cell_table import CellTable
from cellpose_studio.core.chunks import Labels
from cellpose_studio.core.edit import LabelEdit
from cellpose_studio.core.edits.changes import At, Changes, Mask, of_cell
from cellpose_studio.core.edits.parts import staying

Reshape = Callable[[Labels, int], Mask]
"""Takes the labels around a cell and its id; returns the shape it should have."""


def fill_holes(
    labels: Labels,
    table: CellTable,
    cells: Sequence[int],
    at: At = (),
    *,
    protect: bool = True,
) -> LabelEdit:
    """Return the edit that fills background enclosed by cells.

    Without ``protect``, cells that lie in the hole of another are filled as well.
    """
    from scipy.ndimage import binary_fill_holes

    def filled(now: Labels, cell: int) -> Mask:
        return binary_fill_holes(now == cell)

    return _reshaped("Fill holes", labels, table, cells, at, 0, filled, protect)


def smooth(
    labels: Labels,
    table: CellTable,
    cells: Sequence[int],
    at: At = (),
    *,
    sigma: float = 2,
    protect: bool = True,
) -> LabelEdit:
    """Return the edit that smooths the outlines of cells.

    A pixel belongs to the cell if most of a Gaussian window of ``sigma`` pixels does.
    """
    from scipy.ndimage import gaussian_filter

    def smoothed(now: Labels, cell: int) -> Mask:
        inside = (now == cell).astype(np.float32)
        return gaussian_filter(inside, sigma, mode="nearest", truncate=3) > 0.5

    pad = ceil(3 * sigma)
    return _reshaped("Smooth cells", labels, table, cells, at, pad, smoothed, protect)


def grow(
    labels: Labels,
    table: CellTable,
    cells: Sequence[int],
    pixels: int,
    at: At = (),
    *,
    protect: bool = True,
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

    return _reshaped(
        f"Grow cells by {pixels} px",
        labels,
        table,
        cells,
        at,
        2 * pixels,
        grown,
        protect,
    )


def shrink(
    labels: Labels, table: CellTable, cells: Sequence[int], pixels: int, at: At = ()
) -> LabelEdit:
    """Return the edit that takes so many pixels off the outlines of cells.

    At the border of the image they keep theirs: there they go on.
    """
    from scipy.ndimage import distance_transform_edt

    def shrunk(now: Labels, cell: int) -> Mask:
        inside = now == cell
        return inside & ((distance_transform_edt(inside) > pixels) | inside.all())

    name = f"Shrink cells by {pixels} px"
    return _reshaped(name, labels, table, cells, at, 1, shrunk, True)


def _reshaped(
    name: str,
    labels: Labels,
    table: CellTable,
    cells: Sequence[int],
    at: At,
    pad: int,
    reshape: Reshape,
    protect: bool,
) -> LabelEdit:
    changes = Changes(labels, at)
    for cell in cells:
        box, before = of_cell(labels, table, cell, at, pad)
        if not before.any():
            continue
        now = labels[at][box]
        after = reshape(now, cell)
        if protect:
            after &= before | (now == 0)
        after = staying(before, after)
        if after.any():
            changes.put(box, before & ~after, 0, protect=False)
            changes.put(box, after, cell, protect)
    return changes.edit(name, cells)
