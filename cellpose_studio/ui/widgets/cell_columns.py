"""What is known of cells, as columns of numbers and in words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.provenance.revision import CellStatus
from cellpose_studio.core.review.queue import Review

COLUMNS = (
    "cell",
    "uncertainty",
    "flow error",
    "probability",
    "area",
    "border",
    "shape",
)
"""What is measured of cells, in the order of the table."""
FILTERS = {*COLUMNS, "pixels"}
"""What the filter line may speak of."""

STATUS_WORDS: dict[CellStatus, str] = {
    "accepted": "Accepted",
    "rejected": "Rejected",
    "later": "Fix later",
}
STATUS_SIGNS: dict[CellStatus, str] = {"accepted": "✓", "rejected": "✗", "later": "…"}
STATUS_COLOURS: dict[CellStatus, str] = {
    "accepted": "#16a06c",
    "rejected": "#e0561a",
    "later": "#c98f00",
}


def text_of(column: str, value: float) -> str:
    """Return how a value of a column is written; "–" for one that is not known."""
    if np.isnan(value):
        return "–"
    if column == "border":
        return "yes" if value else ""
    if column == "probability":
        return f"{value:.0%}"
    if column in ("cell", "area"):
        return f"{value:.0f}" if value >= 100 else f"{value:.{3 - (value < 10)}g}"
    return f"{value:.2f}"


def columns_of(review: Review, area: float) -> dict[str, npt.NDArray[np.float64]]:
    """Return the values of the columns; ``area`` is that of a pixel."""
    shapes = review.shapes
    return {
        "cell": shapes.ids.astype(np.float64),
        "uncertainty": review.uncertainties,
        "flow error": review.flow_errors,
        "probability": review.probabilities,
        "area": shapes.pixels.astype(np.float64) * area,
        "border": shapes.at_border.astype(np.float64),
        "shape": shapes.roundness,
        "pixels": shapes.pixels.astype(np.float64),
    }
