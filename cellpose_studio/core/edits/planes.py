"""Copy cells to other planes or time points; other cells are not changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.edits.changes import At, Changes, Mask, cell_mask, pad_box
from cellpose_studio.core.edits.components import largest_overlap
from cellpose_studio.core.masks.cell_table import Box, CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import LabelEdit

Distance = npt.NDArray[np.float64]


def interpolate(
    labels: Labels,
    table: CellTable,
    cells: Sequence[int],
    at: At = (),
    checkpoint: Checkpoint | None = None,
) -> LabelEdit:
    """Return the edit that fills the planes between those in which cells are drawn.

    Shape-based interpolation (Raya and Udupa, IEEE Trans. Med. Imaging 9, 1990): the
    signed distances to the outlines above and below are averaged, after both are
    shifted to a common centre (Herman et al., IEEE CG&A 12, 1992). Only background is
    overwritten.

    Parameters
    ----------
    at
        Index of a volume; () if ``labels`` is one.
    """
    checkpoint = checkpoint or Checkpoint()
    changes = Changes(labels, at)
    for cell in cells:
        box, mask = cell_mask(labels, table, cell, at)
        drawn = np.flatnonzero(mask.any(axis=(1, 2))).tolist()
        for low, high in pairwise(drawn):
            checkpoint.check()
            if high - low > 1:
                _fill_between(changes, labels[at].shape, cell, box, mask, low, high)
    return changes.edit("Interpolate between planes", cells)


def copy_cells(
    labels: Labels,
    table: CellTable,
    cells: Sequence[int],
    source: At,
    target: At,
    operation: str = "Copy to plane",
    *,
    protect: bool = True,
    checkpoint: Checkpoint | None = None,
) -> LabelEdit:
    """Return the edit that copies cells to another plane or volume.

    They have the same ids there, and keep the pixels they have there already.

    Parameters
    ----------
    source, target
        Indices of two planes, or of two volumes.
    operation
        What the menu is to call it.
    checkpoint
        Reports each cell.
    """
    checkpoint = checkpoint or Checkpoint()
    changes = Changes(labels, target)
    copied = []
    for n, cell in enumerate(cells):
        checkpoint.reached(n, len(cells), "cell")
        box, mask = cell_mask(labels, table, cell, source)
        if mask.any():
            copied.append(cell)
            changes.put(box, mask, cell, protect)
    return changes.edit(operation, copied)


def propagate(
    labels: Labels,
    table: CellTable,
    cell: int,
    source: At,
    target: At,
    operation: str = "Propagate cell",
    *,
    protect: bool = True,
) -> LabelEdit:
    """Return the edit that gives a cell in ``target`` the shape it has in ``source``.

    The pixels it had there become background, unless they are part of the shape. If
    protected cells break the shape into fragments, the largest one is kept. If nothing
    is left of it, or the cell is not in ``source``, nothing changes.

    Parameters
    ----------
    source, target
        Indices of two planes, or of two volumes.
    operation
        What the menu is to call it.
    """
    changes = Changes(labels, target)
    box, shape = cell_mask(labels, table, cell, source)
    now = labels[target][box]
    after = shape
    if protect:
        after = largest_overlap(shape, shape & ((now == 0) | (now == cell)))
    if after.any():
        changes.put(box, (now == cell) & ~after, 0, protect=False)
        # The shape contains no protected pixels any more.
        changes.put(box, after, cell, protect=False)
    return changes.edit(operation, [cell])


def delete_from(
    labels: Labels,
    table: CellTable,
    cell: int,
    first: At,
    operation: str = "Delete cell from here on",
) -> LabelEdit:
    """Return the edit that removes a cell from a plane or time point to the last one.

    Parameters
    ----------
    first
        Index of the first of these planes, or volumes.
    operation
        What the menu is to call it.
    """
    *lead, start = first
    at = tuple(lead)
    changes = Changes(labels, at)
    box, mask = cell_mask(labels, table, cell, at)
    mask[: max(start - box[0].start, 0)] = False
    changes.put(box, mask, 0, protect=False)
    return changes.edit(operation, [cell])


def _fill_between(
    changes: Changes,
    shape: tuple[int, ...],
    cell: int,
    box: Box,
    mask: Mask,
    low: int,
    high: int,
) -> None:
    """Put a cell into the planes between two of its box."""
    # Shifts by whole pixels need no interpolation.
    first, last = (np.argwhere(mask[z]).mean(axis=0).round() for z in (low, high))
    way = last - first
    # A shifted shape may leave the box of the cell.
    pad = int(np.abs(way).max()) + 1
    below, above = (_distance(np.pad(mask[z], pad)) for z in (low, high))
    rows, columns = (slice(s.start - pad, s.stop + pad) for s in box[1:])
    # With this margin, the box may reach beyond the image.
    sides = pad_box((rows, columns), 0, shape[1:])
    crop = tuple(
        slice(side.start - whole.start, side.stop - whole.start)
        for side, whole in zip(sides, (rows, columns), strict=True)
    )
    for z in range(low + 1, high):
        share = (z - low) / (high - low)
        step = np.round(share * way)
        between = (1 - share) * _shift(below, step) + share * _shift(above, step - way)
        plane = slice(box[0].start + z, box[0].start + z + 1)
        changes.put((plane, *sides), (between > 0)[crop][None], cell)


def _distance(mask: Mask) -> Distance:
    """Return the distance to the outline, positive inside."""
    from scipy.ndimage import distance_transform_edt

    inside, outside = distance_transform_edt(mask), distance_transform_edt(~mask)
    # The outline lies between pixels, half a pixel from the centres on both sides.
    return np.where(mask, inside - 0.5, 0.5 - outside)


def _shift(distance: Distance, by: npt.NDArray[np.float64]) -> Distance:
    """Return a distance shifted by whole pixels; vacated pixels are outside."""
    from scipy.ndimage import shift

    return shift(distance, by, order=0, mode="nearest", prefilter=False)
