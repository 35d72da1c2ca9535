"""Anchor points of texts inside cells."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.uint32]
Box = tuple[slice, slice]

_SIDE = 64
"""Samples along each side of a cell; larger cells are subsampled."""


def anchor_in(labels: Labels, cell: int, box: Box) -> tuple[float, float] | None:
    """Return Y and X of a pixel well inside a cell; None if the box has no pixel of it.

    This is the centre of mass of the cell or, if that lies outside, the centre of its
    largest inscribed circle.

    Parameters
    ----------
    labels
        A plane (Y, X).
    box
        The part of the plane to search.
    """
    rows, columns = box
    steps = [max((part.stop - part.start) // _SIDE, 1) for part in box]
    seen = labels[rows.start : rows.stop : steps[0], columns.start : columns.stop]
    inside = seen[:, :: steps[1]] == cell
    if not inside.any():
        if steps == [1, 1]:
            return None
        # The cell is so thin that it fell between the samples.
        steps, inside = [1, 1], labels[box] == cell
        if not inside.any():
            return None
    y, x = _anchor(inside)
    return float(rows.start + y * steps[0]), float(columns.start + x * steps[1])


def _anchor(inside: npt.NDArray[np.bool_]) -> tuple[int, int]:
    # Sums along rows and columns are much faster than the indices of all pixels.
    ys, xs = inside.sum(axis=1), inside.sum(axis=0)
    total = ys.sum()
    y = round(float(ys @ np.arange(len(ys)) / total))
    x = round(float(xs @ np.arange(len(xs)) / total))
    if inside[y, x]:
        return y, x
    import cv2

    # The padding makes everything beyond the box count as outside the cell.
    room = cv2.distanceTransform(
        np.pad(inside, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    row, column = divmod(int(room.argmax()), room.shape[1])
    return row - 1, column - 1
