"""What candidate cells go through until they are the masks of a run."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.masks.labels import compact_labels
from cellpose_studio.engine.masks.cleaning import keep_largest_parts
from cellpose_studio.engine.masks.fill import finished_plane, numbered, sizes_of

Labels = npt.NDArray[np.integer]
LabelArray = npt.NDArray[np.uint32]


def finished(labels: Labels, min_size: int) -> LabelArray:
    """Return cells without holes and without small ones."""
    if labels.ndim == 2:
        return finished_plane(labels, min_size)
    from cellpose_studio.engine.cellpose_api import fill_holes_and_remove_small_masks

    # It works in place, but the next thresholds need all candidates again.
    filled = fill_holes_and_remove_small_masks(labels.copy(), min_size=min_size)
    return np.asarray(filled).astype(np.uint32)


def chosen(labels: Labels, stays: npt.NDArray[np.bool_]) -> LabelArray:
    """Return a copy of cells, for which ``stays`` of their id, as `numbered`."""
    rows = labels.reshape(-1, labels.shape[-1])
    return numbered(rows, stays).reshape(labels.shape)


def cleaned(labels: Labels, min_size: int) -> LabelArray:
    """Return cells of one part each, without holes and without small ones."""
    # Small ones go before their holes are filled as well, as in Cellpose.
    cells = _at_least(min_size, labels)
    keep_largest_parts(cells)
    return _at_least(min_size, finished(cells, -1))


def _at_least(pixels: int, labels: Labels) -> LabelArray:
    """Return a copy of the cells with so many pixels, numbered 1..N by their pixels."""
    return chosen(labels, sizes_of(labels.reshape(-1, labels.shape[-1])) >= pixels)


def without_border(labels: LabelArray) -> LabelArray:
    """Return a plane or volume without the cells at its border, numbered 1..N."""
    sides = [labels.take((0, -1), axis) for axis in range(labels.ndim)]
    at_border = np.unique(np.concatenate([side.ravel() for side in sides]))
    return compact_labels(np.where(np.isin(labels, at_border), 0, labels))[0]


def told_apart(parts: list[LabelArray]) -> LabelArray:
    """Return all parts as one array in which no two cells share an id.

    Cellpose numbers each part from 1; other programs would merge cells with one id.
    """
    together = np.stack(parts)
    used = 0
    for part in together:
        last = int(part.max(initial=0))
        part[part > 0] += used
        used += last
    return together
