"""Split a cell in two or more; the largest piece keeps its id.

Each piece that gets an id of its own is connected. Parts of the cell that were apart
before, and that the split does not reach, stay with the id.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.edits.changes import At, Changes, Mask, of_cell
from cellpose_studio.core.edits.components import Pieces, parts, split_off_fragments
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

    Pixels under the line go to a piece beside it, as do pieces of fewer than
    ``specks`` pixels. A line that does not go all the way through cuts nothing.

    Parameters
    ----------
    points
        (N, 2) y, x along the line, px.
    """
    box, mask = of_cell(labels, table, cell, at)
    corner = np.array([part.start for part in box])
    way = line(points - corner, mask.shape)
    cut = mask.copy()
    cut[way[:, 0], way[:, 1]] = False
    pieces = parts(cut)
    pieces[np.bincount(pieces.ravel())[pieces] < specks] = 0
    pieces = _spread(np.zeros(mask.shape), pieces, mask)
    return _edit(labels, table, cell, at, box, split_off_fragments(pieces, parts(mask)))


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

    Each pixel goes to the seed that is nearest on a way inside the cell, where narrow
    places take long: so a cell is parted at its necks, and midway where it has none.
    These are the influence zones of Lantuéjoul and Maisonneuve (Pattern Recognition
    17, 1984), with ways as long as `core.edits.geodesic` says.

    Parameters
    ----------
    seeds
        (N, axes) places, px; those outside the cell do not count, and it takes two.
    spacing
        Size of a pixel along each axis, in any unit; all the same if None.
    """
    box, mask = of_cell(labels, table, cell, at)
    places = np.round(seeds).astype(int) - [part.start for part in box]
    places = places[((places >= 0) & (places < mask.shape)).all(axis=1)]
    places = places[mask[tuple(places.T)]]
    markers = np.zeros(mask.shape, np.int32)
    markers[tuple(places.T)] = np.arange(1, len(places) + 1)
    checkpoint = checkpoint or Checkpoint()
    heights = _way_to(places, mask, spacing, checkpoint)
    checkpoint.check()
    pieces = _spread(heights, markers, mask)
    checkpoint.check()
    return _edit(
        labels, table, cell, at, box, split_off_fragments(pieces, mask.astype(np.int32))
    )


def _way_to(
    places: Points,
    mask: Mask,
    spacing: Sequence[float] | None,
    checkpoint: Checkpoint,
) -> Heights:
    """Return how long the way to the nearest of some places is, within a mask."""
    from scipy.ndimage import distance_transform_edt

    if not len(places):
        return np.zeros(mask.shape)
    inside = distance_transform_edt(np.pad(mask, 1), sampling=spacing)
    room = inside[(slice(1, -1),) * mask.ndim]
    checkpoint.check()
    # Negative costs are walls.
    costs = np.where(mask, 1 / np.maximum(room, 1e-9), -1.0)
    return geodesic_distance(costs, places, spacing)


def _spread(
    height: Heights,
    pieces: Pieces,
    mask: Mask,
) -> Pieces:
    """Return pieces that have spread over a mask, lowest pixels first."""
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
        cells.append(table.next_id() + number - 1)
        changes.put(box, pieces == number, cells[-1], protect=False)
    return changes.edit("Split cell", cells)
