"""Which pixels of an image with masks say nothing in training.

A cell is either trained on in whole, or not at all; ignored pixels are never those of
a cell that is trained on.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.uint32]
Mask = npt.NDArray[np.bool_]

RING = 3
"""Pixels around a cell that count as background where not all cells have masks."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Annotated:
    """Masks as training needs them.

    Attributes
    ----------
    labels
        (Y, X) the cells that are trained on, with the ids 1, 2, 3 ….
    ignore
        (Y, X) pixels that say nothing; none of them is one of these cells. None if
        there are none.
    left_out
        Number of cells that are not trained on.
    """

    labels: Labels
    ignore: Mask | None
    left_out: int

    @property
    def cells(self) -> int:
        """Number of cells that are trained on."""
        return int(self.labels.max(initial=0))

    @property
    def ignored_share(self) -> float:
        """Part of the pixels that say nothing, 0 to 1."""
        return 0.0 if self.ignore is None else float(self.ignore.mean())


def annotated(
    labels: Labels,
    *,
    left_out: Collection[int] = (),
    border: bool = False,
    partly: bool = False,
    unannotated: Mask | None = None,
) -> Annotated:
    """Return the cells of a plane that are trained on, and what is ignored.

    Parameters
    ----------
    labels
        (Y, X) masks, or a stack of them; not changed.
    left_out
        Ids of cells that are ignored.
    border
        Whether cells with a pixel at the edge are ignored; not of a stack.
    partly
        Whether background counts only within 3 pixels of a cell.
    unannotated
        Where nothing is known, of the same shape. Cells with at least half of their
        pixels there are ignored, others are trained on in whole.
    """
    ids, codes = np.unique(labels, return_inverse=True)
    codes = codes.reshape(labels.shape)
    out = np.isin(ids, np.array([*left_out], np.uint32))
    if border and labels.size:
        edges = (codes[0], codes[-1], codes[:, 0], codes[:, -1])
        out[np.unique(np.concatenate(edges))] = True
    if unannotated is not None:
        sizes = np.bincount(codes.ravel(), minlength=len(ids))
        inside = np.bincount(codes[unannotated], minlength=len(ids))
        out |= (2 * inside >= sizes) & (inside > 0)
    is_cell = ids > 0
    out &= is_cell
    kept = is_cell & ~out
    numbers = np.where(kept, np.cumsum(kept), 0).astype(np.uint32)
    found = numbers[codes]
    ignore = out[codes]
    if unannotated is not None:
        ignore |= unannotated & (found == 0)
    if partly:
        ignore |= ~_near(found > 0)
    some = ignore if ignore.any() else None
    return Annotated(labels=found, ignore=some, left_out=int(out.sum()))


def _near(cells: Mask) -> Mask:
    """Return the pixels at most `RING` away from a cell in their plane, or of one."""
    import cv2

    side = 2 * RING + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    planes = cells.astype(np.uint8).reshape(-1, *cells.shape[-2:])
    near = np.stack([cv2.dilate(plane, disc) for plane in planes])
    return near.reshape(cells.shape).astype(bool)
