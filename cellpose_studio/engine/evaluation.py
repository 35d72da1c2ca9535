"""Accuracy of masks, measured against true masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.matching.evaluation.evaluate import (
    EvaluationOptions,
    evaluate,
)

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
    ignore: npt.NDArray[np.bool_] | None = None,
) -> Agreement:
    """Return how well ``found`` agrees with ``true``, label images of one shape.

    With ``in_frames``, their first axis is time, and each frame is compared by
    itself: a cell counts once in each frame, whatever its ids are. Pixels of ``ignore``
    belong to no cell, and cells with most of their pixels there do not count.
    """
    options = EvaluationOptions(thresholds=IOU_THRESHOLDS, boundary=None)
    scores = evaluate(found, true, options, in_frames, ignore).scores
    ap = tuple(scores.ap.tolist())
    return Agreement(ap, scores.true_cells, scores.found_cells)
