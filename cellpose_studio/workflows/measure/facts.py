"""What the review tells of cells, for tables of measurements."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cellpose_studio.core.measure.inputs import CellFacts
from cellpose_studio.core.provenance.hand_edits import HandEdits
from cellpose_studio.core.provenance.revision import CellStatus
from cellpose_studio.core.review.queue import Review


def facts_of(
    review: Review,
    statuses: Mapping[int, CellStatus],
    hand: HandEdits,
    origin: str,
) -> CellFacts:
    """Return the facts of cells.

    Parameters
    ----------
    statuses
        Of the cells that were reviewed.
    hand
        What was made by hand.
    origin
        Where the other cells come from, as of `origin_of`.
    """
    cells = review.ids.tolist()

    def by_cell(values: Collection[float]) -> dict[int, float]:
        return dict(zip(cells, values, strict=True))

    return CellFacts(
        flow_errors=by_cell(review.flow_errors.tolist()),
        probabilities=by_cell(review.probabilities.tolist()),
        uncertainties=by_cell(review.uncertainties.tolist()),
        statuses=statuses,
        drawn=hand.drawn,
        edited=hand.edited,
        origin=origin,
    )
