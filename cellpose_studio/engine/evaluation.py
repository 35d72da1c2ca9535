"""Accuracy of masks, measured against true masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IOU_THRESHOLDS = (0.5, 0.75, 0.9)


@dataclass(frozen=True)
class Agreement:
    """Average precision of one image, at each of `IOU_THRESHOLDS`.

    AP is hits / (hits + misses + false alarms), as in Cellpose's
    ``metrics.average_precision``. An image without cells, found or true, has none.
    ``note`` says what had to be assumed.
    """

    precision: tuple[float, ...]
    true_cells: int
    found_cells: int
    note: str = ""


def agreement(
    found: npt.NDArray[np.integer],
    true: npt.NDArray[np.integer],
    in_frames: bool = False,
) -> Agreement:
    """Return how well ``found`` agrees with ``true``, label images of one shape.

    With ``in_frames``, their first axis is time, and each frame is compared by
    itself: a cell counts once in each frame, whatever its ids are.
    """
    pairs = zip(found, true, strict=True) if in_frames else [(found, true)]
    counts = [_counts(*pair) for pair in pairs]
    hits = np.sum([one for one, _, _ in counts], axis=0)
    cells = sum(true_cells for _, true_cells, _ in counts)
    found_cells = sum(found_cells for _, _, found_cells in counts)
    if not cells + found_cells:
        return Agreement((float("nan"),) * len(IOU_THRESHOLDS), 0, 0)
    precision = tuple(float(n / (cells + found_cells - n)) for n in hits)
    return Agreement(precision, cells, found_cells)


def _counts(
    found: npt.NDArray[np.integer], true: npt.NDArray[np.integer]
) -> tuple[npt.NDArray[np.float32], int, int]:
    """Return the hits at each threshold, the true cells and those that were found."""
    import fastremap

    from cellpose_studio.engine.cellpose_api import average_precision

    # Cellpose fills a matrix with a row for every id up to the highest, so gaps between
    # the ids would cost memory.
    pair = [fastremap.renumber(labels)[0].astype(np.int32) for labels in (true, found)]
    cells, found_cells = (int(labels.max(initial=0)) for labels in pair)
    if not cells or not found_cells:
        return np.zeros(len(IOU_THRESHOLDS), np.float32), cells, found_cells
    if not all((labels == 0).any() for labels in pair):
        # Cellpose takes a cell for background where there is none, and warns.
        rim = [(0, 0)] * (true.ndim - 1) + [(0, 1)]
        pair = [np.pad(labels, rim) for labels in pair]
    hits = average_precision(*pair, threshold=list(IOU_THRESHOLDS))[1]
    return hits, cells, found_cells
