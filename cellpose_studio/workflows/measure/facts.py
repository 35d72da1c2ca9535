"""What the review tells of cells, for tables of measurements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from cellpose_studio.core.measure.inputs import CellClasses, CellFacts
from cellpose_studio.core.provenance.classes.assigned import Assigned
from cellpose_studio.core.provenance.classes.cell_class import CellClass
from cellpose_studio.core.provenance.classes.classifier_record import ClassifierRecord
from cellpose_studio.core.provenance.hand_edits import HandEdits
from cellpose_studio.core.provenance.revision import CellStatus
from cellpose_studio.core.review.queue import Review


def facts_of(
    review: Review,
    statuses: Mapping[int, CellStatus],
    hand: HandEdits,
    origin: str,
    classes: CellClasses | None = None,
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
    classes
        Those of the project; None without.
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
        classes=classes,
    )


def classes_of(
    classes: Iterable[CellClass],
    assigned: Mapping[int, Assigned],
    classifiers: Iterable[ClassifierRecord] = (),
) -> CellClasses | None:
    """Return the classes of cells; None in a project without classes.

    Parameters
    ----------
    classes
        Of the project, in the order of the list.
    assigned
        By id of the cell.
    classifiers
        Those that gave cells of the project their classes.
    """
    known = {one.id: one.name for one in classes}
    if not known:
        return None
    text = " ".join(f"Classifier: {one.text}" for one in classifiers)
    return CellClasses(known=known, assigned=assigned, text=text)
