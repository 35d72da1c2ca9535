"""Change the shape of cells: fill their holes, smooth, grow and shrink them.

``at`` is the index of a plane, or of a volume, whose cells are then treated in 3D. If a
cell would break into fragments, the largest one is kept and the rest becomes
background. A cell of which nothing would be left is not changed. Without ``protect``,
cells that are overwritten may be left in fragments. ``checkpoint`` receives a report
for each cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.edits.changes import At, Changes, Mask, cell_mask
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

    operation = _Operation("Fill holes", 0, filled, protect)
    return _reshape(operation, labels, table, cells, at, checkpoint)


def smooth_cells(
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
        # Filtered booleans would be booleans again.
        inside = (now == cell).astype(np.float32)
        return gaussian_filter(inside, sigma, mode="nearest", truncate=3) > 0.5

    # The Gaussian is cut off at three sigma, so pixels farther away have no influence.
    operation = _Operation("Smooth cells", ceil(3 * sigma), smoothed, protect)
    return _reshape(operation, labels, table, cells, at, checkpoint)


def grow_cells(
    labels: Labels,
    table: CellTable,
    cells: Sequence[int],
    pixels: int,
    at: At = (),
    *,
    protect: bool = True,
    checkpoint: Checkpoint | None = None,
) -> LabelEdit:
    """Return the edit that grows cells by a number of pixels.

    Pixels that several of them reach go to the nearest, as in scikit-image's
    ``expand_labels``.
    """
    from skimage.segmentation import expand_labels

    chosen = set(cells)

    def grown(now: Labels, cell: int) -> Mask:
        # Cells that do not grow must not compete for pixels.
        near = [one for one in np.unique(now).tolist() if one in chosen]
        among = np.where(np.isin(now, near), now, 0)
        return expand_labels(among, pixels) == cell

    # A cell that competes for the same pixel may be up to twice as far away.
    operation = _Operation(f"Grow cells by {pixels} px", 2 * pixels, grown, protect)
    return _reshape(operation, labels, table, cells, at, checkpoint)


def shrink_cells(
    labels: Labels,
    table: CellTable,
    cells: Sequence[int],
    pixels: int,
    at: At = (),
    *,
    checkpoint: Checkpoint | None = None,
) -> LabelEdit:
    """Return the edit that removes a number of pixels along the outlines of cells.

    At the border of the image nothing is removed: the cells continue beyond it.
    """
    from scipy.ndimage import distance_transform_edt

    def shrunk(now: Labels, cell: int) -> Mask:
        inside = now == cell
        # If the cell fills the image, there is no pixel outside to measure from.
        return inside & ((distance_transform_edt(inside) > pixels) | inside.all())

    # One pixel around the cell makes the distance count from its outline. There is none
    # at the border of the image, so nothing is removed there.
    operation = _Operation(f"Shrink cells by {pixels} px", 1, shrunk, True)
    return _reshape(operation, labels, table, cells, at, checkpoint)


@dataclass(frozen=True)
class _Operation:
    """One kind of change of shape.

    Attributes
    ----------
    pad
        Margin around a cell that the operation needs, px.
    protect
        Other cells keep their pixels.
    """

    name: str
    pad: int
    shape: Reshape
    protect: bool


def _reshape(
    operation: _Operation,
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
        box, before = cell_mask(labels, table, cell, at, operation.pad)
        if not before.any():
            continue
        now = labels[at][box]
        after = operation.shape(now, cell)
        if operation.protect:
            after &= before | (now == 0)
        after = largest_overlap(before, after)
        if after.any():
            changes.put(box, before & ~after, 0, protect=False)
            changes.put(box, after, cell, operation.protect)
    return changes.edit(operation.name, cells)
