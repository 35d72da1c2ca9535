"""The images that a new model runs on next, the most uncertain first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from cellpose_studio.app.images.training_set import TrainingSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.io.project.tables.confidence import read_confidence


@dataclass(frozen=True, eq=False, kw_only=True)
class NextImage:
    """An image that is not reviewed.

    Attributes
    ----------
    uncertainty
        Mean of one minus the score of its cells, 0 to 1; None where it has no result of
        a network.
    """

    image: ProjectImage
    uncertainty: float | None


def next_images(
    images: Sequence[ProjectImage],
    training: TrainingSet,
    stored: Mapping[int, float | None],
) -> list[NextImage]:
    """Return images that are neither reviewed nor in the training set.

    The most uncertain come first, and those without masks before all. ``stored`` has
    uncertainties by revision, as of `read_uncertainties`.
    """
    found = [
        NextImage(image=image, uncertainty=_uncertainty(image, stored))
        for image in _candidates(images, training)
    ]
    return sorted(found, key=lambda one: -_rank(one))


def unread_revisions(
    images: Sequence[ProjectImage],
    training: TrainingSet,
    stored: Mapping[int, float | None],
) -> list[int]:
    """Return the revisions of which `next_images` does not know the uncertainty.

    The confidence in masks that were not shown since the start is in the project only.
    """
    masks = [image.masks for image in _candidates(images, training)]
    return [
        one.revision.id
        for one in masks
        if one is not None
        and one.confidence is None
        and one.revision is not None
        and one.revision.id not in stored
    ]


def read_uncertainties(
    project: Project, revisions: Sequence[int]
) -> dict[int, float | None]:
    """Return the uncertainty of revisions, None where no network made them.

    For any thread.

    Raises
    ------
    ProjectDamaged, ProjectUnusable
    """
    return {
        one: _mean(project.read(partial(read_confidence, revision=one)))
        for one in revisions
    }


def _candidates(
    images: Sequence[ProjectImage], training: TrainingSet
) -> Iterator[ProjectImage]:
    return (one for one in images if not one.reviewed and not training.uses(one))


def _rank(one: NextImage) -> float:
    return 2.0 if one.uncertainty is None else one.uncertainty


def _uncertainty(
    image: ProjectImage, stored: Mapping[int, float | None]
) -> float | None:
    masks = image.masks
    if masks is None:
        return None
    if masks.confidence is None and masks.revision is not None:
        return stored.get(masks.revision.id)
    return _mean(masks.confidence)


def _mean(confidence: Confidence | None) -> float | None:
    if confidence is None or not len(confidence.ids):
        return None
    return float(1 - confidence.scores.mean())
