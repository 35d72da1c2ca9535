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
    ``metrics.average_precision``. It is NaN without any cell, found or true.
    """

    precision: tuple[float, ...]
    true_cells: int
    found_cells: int


def agreement(
    found: npt.NDArray[np.integer], true: npt.NDArray[np.integer]
) -> Agreement:
    """Return the agreement of ``found`` with ``true``, label images of one shape."""
    import fastremap

    from cellpose_studio.engine.cellpose_api import average_precision

    pair = [fastremap.renumber(labels)[0].astype(np.int32) for labels in (true, found)]
    cells, found_cells = (int(labels.max(initial=0)) for labels in pair)
    if not cells + found_cells:
        return Agreement((float("nan"),) * len(IOU_THRESHOLDS), 0, 0)
    hits = average_precision(*pair, threshold=list(IOU_THRESHOLDS))[1]
    # Cellpose's own AP subtracts one label for the background, even if there is none.
    precision = tuple(float(n / (cells + found_cells - n)) for n in hits)
    return Agreement(precision, cells, found_cells)
