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
from cellpose_studio.core.edits.depth import depth
from cellpose_studio.core.edits.geodesic import geodesic_distance
from cellpose_studio.core.edits.shapes import Points, line
from cellpose_studio.core.masks.cell_table import Box, CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import ChunkEdit, LabelEdit

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
    checkpoint = checkpoint or Checkpoint()
    checkpoint.check()
    # Paths must stay inside the cell, and negative costs are walls.
    costs = depth(mask, spacing, checkpoint)
    costs[mask] = 1 / costs[mask]
    costs[~mask] = -1
    _, zones = geodesic_distance(costs, pixels, spacing, checkpoint)
    return _edit_by_planes(labels, table, cell, at, box, zones, checkpoint)


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


def _edit_by_planes(
    labels: Labels,
    table: CellTable,
    cell: int,
    at: At,
    box: Box,
    zones: Pieces,
    checkpoint: Checkpoint,
) -> LabelEdit:
    """Return the edit that gives all zones but the largest an id of their own.

    Plane by plane: a volume takes seconds, and no chunk has pixels of two planes.
    """
    planes = list(np.ndindex(zones.shape[:-2]))
    sizes = np.zeros(int(zones.max(initial=0)) + 1, np.int64)
    for index in planes:
        checkpoint.check()
        sizes += np.bincount(zones[index].ravel(), minlength=len(sizes))
    # The sort is stable, so of zones of one size the first one keeps the id.
    order = 1 + np.argsort(-sizes[1:], kind="stable")
    # The table learns of new cells when the edit is applied, not before.
    losing = order[1:][sizes[order[1:]] > 0]
    new = {int(zone): table.next_id() + n for n, zone in enumerate(losing)}
    first = [part.start for part in box[:-2]]
    parts: list[ChunkEdit] = []
    for index in planes:
        checkpoint.check()
        changes = Changes(labels, (*at, *np.add(first, index).astype(int).tolist()))
        for zone, piece in new.items():
            changes.put(box[-2:], zones[index] == zone, piece, protect=False)
        parts.extend(changes.edit("", ()).parts)
    return LabelEdit("Split cell", (cell, *new.values()), tuple(parts))
