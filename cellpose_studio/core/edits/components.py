"""Connected parts of cells: which of them stays the cell when it comes apart.

Pixels that touch at a corner are connected, as in `core.masks.labels.polygons`. Where
an operation leaves a connected part of a cell in several pieces, the largest piece
stays the cell; of pieces of the same size, the one met first does. Parts that were
apart before, as in imported masks or in one plane of a volume, all stay.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.edits.changes import Mask

Pieces = npt.NDArray[np.int32]


def parts(mask: Mask) -> Pieces:
    """Return a number from 1 for each connected part, and 0 elsewhere."""
    from scipy.ndimage import label

    numbers, _ = label(mask, np.ones((3,) * mask.ndim, bool))
    return numbers.astype(np.int32, copy=False)


def split_off_fragments(pieces: Pieces, wholes: Pieces) -> Pieces:
    """Return a number from 1 for each piece that is no longer the cell, 0 elsewhere.

    Parameters
    ----------
    pieces
        A number for each piece, any number of axes.
    wholes
        A number for each part that they come from. The largest piece of each stays.
        Pieces that lie in none do not.
    """
    sizes = np.bincount(pieces.ravel())
    owners = np.zeros(len(sizes), np.int64)
    inside = wholes > 0
    owners[pieces[inside]] = wholes[inside]
    order = np.lexsort((-sizes, owners))
    order = order[(order > 0) & (sizes[order] > 0)]
    owned = owners[order]
    stays = (np.diff(owned, prepend=-1) != 0) & (owned > 0)
    numbers = np.zeros(len(sizes), np.int32)
    numbers[order[~stays]] = np.arange(1, np.count_nonzero(~stays) + 1)
    return numbers[pieces]


def largest(mask: Mask) -> Mask:
    """Return the largest connected part."""
    pieces = parts(mask)
    return mask & (split_off_fragments(pieces, mask.astype(np.int32)) == 0)


def largest_overlap(before: Mask, after: Mask) -> Mask:
    """Return what of ``after`` stays the cell that was ``before``."""
    return after & (split_off_fragments(parts(after), parts(before)) == 0)
