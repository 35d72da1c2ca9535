"""Connected components of cells, and which fragment keeps the id of a cell.

Pixels that touch at a corner are connected, as in `core.masks.labels.polygons`. When
an operation breaks a component of a cell into fragments, the largest one keeps the id
of the cell; of fragments of the same size, the first one does. Components that were
separate before, as in imported masks or in one plane of a volume, all keep the id.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.edits.changes import Mask

Pieces = npt.NDArray[np.int32]


def label_components(mask: Mask) -> Pieces:
    """Return the connected components, numbered from 1, and 0 elsewhere."""
    from scipy.ndimage import label

    numbers, _ = label(mask, np.ones((3,) * mask.ndim, bool))
    return numbers.astype(np.int32, copy=False)


def label_fragments(pieces: Pieces, wholes: Pieces) -> Pieces:
    """Return the fragments that lose the id of their cell, numbered from 1; else 0.

    Parameters
    ----------
    pieces
        Components after the operation, numbered from 1; any number of axes.
    wholes
        Components before it, numbered from 1. The largest piece of each keeps the id.
        Pieces that lie in none of them lose it.
    """
    sizes = np.bincount(pieces.ravel())
    owners = np.zeros(len(sizes), np.int64)
    inside = wholes > 0
    owners[pieces[inside]] = wholes[inside]
    # The last key sorts first, so the largest piece of each owner precedes the others.
    # The sort is stable, so of pieces of one size the first one does.
    order = np.lexsort((-sizes, owners))
    order = order[(order > 0) & (sizes[order] > 0)]
    owned = owners[order]
    # The first piece of each owner keeps the id. Pieces without an owner never do.
    stays = (np.diff(owned, prepend=-1) != 0) & (owned > 0)
    numbers = np.zeros(len(sizes), np.int32)
    numbers[order[~stays]] = np.arange(1, np.count_nonzero(~stays) + 1)
    return numbers[pieces]


def largest_component(mask: Mask) -> Mask:
    """Return the largest connected component."""
    # The mask as a whole is the owner, so that a single piece is left.
    pieces = label_components(mask)
    return mask & (label_fragments(pieces, mask.astype(np.int32)) == 0)


def largest_overlap(before: Mask, after: Mask) -> Mask:
    """Return the pixels of ``after`` that keep the id of the cell ``before``."""
    return after & (
        label_fragments(label_components(after), label_components(before)) == 0
    )
