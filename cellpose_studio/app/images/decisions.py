"""What the user has said of the masks of an open image, for their scores."""

from __future__ import annotations

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.review.training_marks import NO_MARKS
from cellpose_studio.workflows.evaluation.decisions import Decisions


def decisions_of(session: Session, image: ProjectImage, name: str) -> Decisions:
    """Return what is said now of masks of that name; for the GUI thread."""
    number = image.label_set_ids.get(name, 0)
    return Decisions(
        statuses=dict(image.statuses.get(name, {})),
        marks=session.project.stored_marks.get(number, NO_MARKS),
        frames=image.source.frames,
    )
