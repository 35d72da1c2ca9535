"""Split a cell in two or more; the largest piece keeps its id.

Each piece that gets an id of its own is connected. Components of the cell that were
separate before, and that the split does not reach, keep the id.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.edits.changes import At, Changes, Mask, cell_mask
from cellpose_studio.core.edits.components import (
    Pieces,
    label_components,
    label_fragments,
)
from cellpose_studio.core.edits.geodesic import geodesic_distance
from cellpose_studio.core.edits.shapes import Points, line
from cellpose_studio.core.masks.cell_table import Box, CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import LabelEdit

Heights = npt.NDArray[np.float64]


def split_by_line(
    labels: Labels,
    table: CellTable,
    cell: int,
    points: Points,
    at: At = (),
    *,
    specks: int = 0,
) -> LabelEdit:
    """Return the edit that cuts a cell of a plane along a line.

    Pixels under the line go to an adjacent piece, as do pieces of fewer than
    ``specks`` pixels. A line that does not cross the whole cell cuts nothing.

    Parameters
    ----------
    points
        (N, 2) y, x along the line, px.
    """
    box, mask = cell_mask(labels, table, cell, at)
    corner = np.array([part.start for part in box])
    way = line(points - corner, mask.shape)
    cut = mask.copy()
    cut[way[:, 0], way[:, 1]] = False
    pieces = label_components(cut)
    # Specks become free, and the watershed gives them to their neighbours.
    pieces[np.bincount(pieces.ravel())[pieces] < specks] = 0
    # On level ground, the pixels of the line go to the nearest piece.
    pieces = _grow(np.zeros(mask.shape), pieces, mask)
    return _edit(
        labels, table, cell, at, box, label_fragments(pieces, label_components(mask))
    )


def split_by_seeds(
    labels: Labels,
    table: CellTable,
    cell: int,
    seeds: Points,
    at: At = (),
    *,
    spacing: Sequence[float] | None = None,
    checkpoint: Checkpoint | None = None,
) -> LabelEdit:
    """Return the edit that splits a cell of a plane or a volume around seeds.

    Each pixel goes to the seed at the smallest geodesic distance inside the cell, where
    narrow passages are costly: a cell is split at its necks, and midway if it has none.
    These are the influence zones of Lantuéjoul and Maisonneuve (Pattern Recognition
    17, 1984), with the distance of `core.edits.geodesic`.

    Parameters
    ----------
    seeds
        (N, axes), px; those outside the cell are ignored. Fewer than two split nothing.
    spacing
        Size of a pixel along each axis, in any unit; all the same if None.
    """
    box, mask = cell_mask(labels, table, cell, at)
    pixels = np.round(seeds).astype(int) - [part.start for part in box]
    pixels = pixels[((pixels >= 0) & (pixels < mask.shape)).all(axis=1)]
    pixels = pixels[mask[tuple(pixels.T)]]
    markers = np.zeros(mask.shape, np.int32)
    markers[tuple(pixels.T)] = np.arange(1, len(pixels) + 1)
    checkpoint = checkpoint or Checkpoint()
    # The next steps cannot be interrupted, so a stop is noticed between them.
    heights = _distance_to(pixels, mask, spacing, checkpoint)
    checkpoint.check()
    pieces = _grow(heights, markers, mask)
    checkpoint.check()
    return _edit(
        labels, table, cell, at, box, label_fragments(pieces, mask.astype(np.int32))
    )


def _distance_to(
    pixels: Points,
    mask: Mask,
    spacing: Sequence[float] | None,
    checkpoint: Checkpoint,
) -> Heights:
    """Return the geodesic distance to the nearest of some pixels, within a mask."""
    from scipy.ndimage import distance_transform_edt

    if not len(pixels):
        return np.zeros(mask.shape)
    # The cell touches the sides of its box, beyond which it ends.
    inside = distance_transform_edt(np.pad(mask, 1), sampling=spacing)
    room = inside[(slice(1, -1),) * mask.ndim]
    checkpoint.check()
    # Paths must stay inside the cell, and negative costs are walls.
    costs = np.where(mask, 1 / np.maximum(room, 1e-9), -1.0)
    return geodesic_distance(costs, pixels, spacing)


def _grow(
    height: Heights,
    pieces: Pieces,
    mask: Mask,
) -> Pieces:
    """Return pieces grown over a mask by a watershed, lowest pixels first."""
    from skimage.segmentation import watershed

    if not pieces.any():
        return pieces
    return watershed(height, pieces, connectivity=mask.ndim, mask=mask)


def _edit(
    labels: Labels, table: CellTable, cell: int, at: At, box: Box, pieces: Pieces
) -> LabelEdit:
    changes = Changes(labels, at)
    cells = [cell]
    for number in range(1, int(pieces.max(initial=0)) + 1):
        # The table learns of new cells when the edit is applied, not before.
        cells.append(table.next_id() + number - 1)
        changes.put(box, pieces == number, cells[-1], protect=False)
    return changes.edit("Split cell", cells)
