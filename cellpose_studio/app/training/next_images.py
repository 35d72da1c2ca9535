"""The images that a new model runs on next, the most uncertain first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cellpose_studio.app.images.training_set import TrainingSet
from cellpose_studio.app.masks.project_image import ProjectImage


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
    images: Sequence[ProjectImage], training: TrainingSet
) -> list[NextImage]:
    """Return images that are neither reviewed nor in the training set.

    The most uncertain come first, and those without masks before all.
    """
    found = [
        NextImage(image=image, uncertainty=_uncertainty(image))
        for image in images
        if not image.reviewed and not training.uses(image)
    ]
    return sorted(found, key=lambda one: -_rank(one))


def _rank(one: NextImage) -> float:
    return 2.0 if one.uncertainty is None else one.uncertainty


def _uncertainty(image: ProjectImage) -> float | None:
    confidence = image.masks.confidence if image.masks is not None else None
    if confidence is None or not len(confidence.ids):
        return None
    return float(1 - confidence.scores.mean())
