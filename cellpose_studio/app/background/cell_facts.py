"""What is known of cells beside their pixels, for tables of measurements."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from cellpose_studio.app.masks.hand_edits import hand_edits
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.classes import class_facts
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.measure.inputs import CellClasses, CellFacts, origin_of
from cellpose_studio.core.provenance.hand_edits import HandEdits
from cellpose_studio.core.provenance.revision import CellStatus
from cellpose_studio.core.review.cell_shapes import CellShapes
from cellpose_studio.core.review.queue import review_of
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.workflows.measure.facts import facts_of


@dataclass(frozen=True, eq=False, kw_only=True)
class Known:
    """What the session knows of masks at a moment; for any thread.

    Attributes
    ----------
    confidence
        How sure the network is of each cell; None where that is not known.
    statuses
        Of the cells that were reviewed.
    decided
        Cells that a person drew, edited or accepted.
    hand
        What was made by hand.
    origin
        Where the other cells come from.
    classes
        Those of the project; None without.
    """

    confidence: Confidence | None
    statuses: dict[int, CellStatus]
    decided: frozenset[int]
    hand: HandEdits
    origin: str
    classes: CellClasses | None = None

    def facts(self, shapes: CellShapes) -> CellFacts:
        """Return the facts of the cells of some shapes."""
        review = review_of(shapes, self.confidence, self.decided)
        return facts_of(review, self.statuses, self.hand, self.origin, self.classes)


def known_of(
    session: Session, image: ProjectImage, labels: LabelSet, hand: HandEdits
) -> Known:
    """Return what is known of the cells of a label set; for the GUI thread."""
    is_run = labels.record is not None or labels.run is not None
    return Known(
        confidence=labels.confidence,
        statuses=dict(image.statuses.get(labels.name, {})),
        decided=image.decided(labels.name),
        hand=hand,
        origin=origin_of(is_run),
        classes=class_facts(session, image, labels.name),
    )


def hand_edits_of(project: Project, labels: LabelSet, pixels: Labels) -> HandEdits:
    """Return what was made by hand of masks with these pixels; for any thread.

    Where the project cannot say which cells were drawn and which were edited, all
    count as edited.
    """
    if labels.by_hand and labels.revision is not None:
        with suppress(StudioError):
            return hand_edits(project, labels, pixels, CellTable.of(pixels))
    return labels.hand_edits
