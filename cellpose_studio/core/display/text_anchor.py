"""Where in a cell there is room for a word."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.uint32]
Box = tuple[slice, slice]

_SIDE = 64
"""Pixels that are looked at along each side of a cell; of larger ones every nth."""


def anchor_in(labels: Labels, cell: int, box: Box) -> tuple[float, float] | None:
    """Return Y and X of a pixel that lies well inside a cell; None if it is not there.

    That is its centre of mass or, where that lies outside, the middle of its largest
    inscribed circle.

    Parameters
    ----------
    labels
        A plane (Y, X).
    box
        Holds what is to be looked at of the cell.
    """
    rows, columns = box
    steps = [max((part.stop - part.start) // _SIDE, 1) for part in box]
    seen = labels[rows.start : rows.stop : steps[0], columns.start : columns.stop]
    inside = seen[:, :: steps[1]] == cell
    if not inside.any():
        if steps == [1, 1]:
            return None
        # So thin that it fell between the pixels that were looked at.
        steps, inside = [1, 1], labels[box] == cell
        if not inside.any():
            return None
    y, x = _place(inside)
    return float(rows.start + y * steps[0]), float(columns.start + x * steps[1])


def _place(inside: npt.NDArray[np.bool_]) -> tuple[int, int]:
    # Sums along the sides take a fraction of the time that all indices would.
    ys, xs = inside.sum(axis=1), inside.sum(axis=0)
    total = ys.sum()
    y = round(float(ys @ np.arange(len(ys)) / total))
    x = round(float(xs @ np.arange(len(xs)) / total))
    if inside[y, x]:
        return y, x
    import cv2

    # Beyond the box is outside, too.
    room = cv2.distanceTransform(
        np.pad(inside, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    row, column = divmod(int(room.argmax()), room.shape[1])
    return row - 1, column - 1
