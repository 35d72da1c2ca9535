"""Evaluates the masks of many images, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import MasksUnreadable, StudioError
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.matching.evaluation.class_scores import (
    ClassScores,
    add_classes,
)
from cellpose_studio.core.matching.evaluation.evaluate import (
    Evaluation,
    EvaluationOptions,
    evaluate,
)
from cellpose_studio.core.matching.evaluation.scores import Scores, total
from cellpose_studio.workflows.evaluation.decisions import Decisions

Classes = tuple[Mapping[int, str], Mapping[int, str] | None]
"""Class by id, of true and of found cells."""


@dataclass(frozen=True, eq=False, kw_only=True)
class MasksToCompare:
    """Masks of an image, and what they are compared with.

    Attributes
    ----------
    found, true
        Label images.
    in_frames
        Their first axis is time.
    ignore
        True where nothing is known, of the same shape or of its last axes.
    classes
        None if they are not asked for, or not known.
    note
        What had to be assumed, for the user.
    """

    found: npt.NDArray[np.integer]
    true: npt.NDArray[np.integer]
    in_frames: bool = False
    ignore: npt.NDArray[np.bool_] | None = None
    classes: Classes | None = None
    note: str = ""


def masks_to_compare(
    found: Labels,
    true: Labels,
    decisions: tuple[Decisions, Decisions],
    *,
    in_frames: bool,
    ignore: npt.NDArray[np.bool_] | None,
    classes: Classes | None,
) -> MasksToCompare:
    """Return masks of a project without what the user has rejected in them.

    What is unknown in the true masks is ignored as well.

    Parameters
    ----------
    decisions
        Of the found and of the true masks.
    """
    of_found, of_true = decisions
    true = of_true.cells(true)
    unknown = of_true.unknown(true)
    # Masks of another size to ignore are a sentence later.
    if ignore is None:
        ignore = unknown
    elif unknown is not None and unknown.shape == ignore.shape:
        ignore = ignore | unknown
    return MasksToCompare(
        found=of_found.cells(found),
        true=true,
        in_frames=in_frames,
        ignore=ignore,
        classes=classes,
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class ItemToEvaluate:
    """An image to evaluate.

    Attributes
    ----------
    name
        Of the image, or of its file of masks.
    id
        In the project; 0 for files.
    read
        Reads the masks, from any thread; raises `StudioError`.
    """

    name: str
    read: Callable[[], MasksToCompare]
    id: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class EvaluatedImage:
    """An image that was evaluated."""

    name: str
    id: int
    evaluation: Evaluation


@dataclass(frozen=True, eq=False, kw_only=True)
class EvaluatedImages:
    """Images that were evaluated, in their order, and errors of those that were not.

    Attributes
    ----------
    title
        What was compared with what, for the user.
    """

    options: EvaluationOptions
    title: str = ""
    images: tuple[EvaluatedImage, ...] = ()
    failures: tuple[StudioError, ...] = ()

    @property
    def classes(self) -> Mapping[str, ClassScores]:
        """The cells of each class of all images together; empty if none are known."""
        return add_classes([one.evaluation.classes for one in self.images])

    @property
    def total(self) -> Scores | None:
        """The cells of all images together; None without images."""
        scores = [one.evaluation.scores for one in self.images]
        return total(scores) if scores else None

    def mean(self, value: Callable[[Scores], float]) -> float:
        """Return the mean of a score over the images that have one, else NaN.

        An image without cells, true or found, has none.
        """
        values = [value(one.evaluation.scores) for one in self.images]
        known = [one for one in values if not np.isnan(one)]
        return float(np.mean(known)) if known else float("nan")


def evaluate_items(
    items: Sequence[ItemToEvaluate],
    options: EvaluationOptions,
    checkpoint: Checkpoint,
    title: str = "",
) -> EvaluatedImages:
    """Evaluate images; one that cannot be read does not keep the others.

    Raises
    ------
    Cancelled
        After a stop.
    """
    images: list[EvaluatedImage] = []
    failures: list[StudioError] = []
    for n, item in enumerate(items):
        checkpoint.reached(n, len(items), "image")
        try:
            found = evaluate_item(item.name, item.read(), options)
        except StudioError as error:
            failures.append(error)
        else:
            images.append(EvaluatedImage(name=item.name, id=item.id, evaluation=found))
    checkpoint.reached(len(items), len(items), "image")
    return EvaluatedImages(
        options=options,
        title=title,
        images=tuple(images),
        failures=tuple(failures),
    )


def on_the_same_images(results: Sequence[EvaluatedImages]) -> list[EvaluatedImages]:
    """Return results side by side, of those images only that are in all of them.

    Means over other images would say nothing of which masks are better.
    """
    ids = [{one.id for one in result.images} for result in results]
    common = set.intersection(*ids) if ids else set()
    return [
        replace(result, images=tuple(i for i in result.images if i.id in common))
        for result in results
    ]


def evaluate_item(
    name: str, masks: MasksToCompare, options: EvaluationOptions
) -> Evaluation:
    """Evaluate masks of an image.

    Raises
    ------
    MasksUnreadable
        If they have other sizes.
    """
    if masks.found.shape != masks.true.shape:
        raise MasksUnreadable(
            f"The masks of {name} have the sizes {masks.found.shape} and "
            f"{masks.true.shape}, and cannot be compared."
        )
    ignore = masks.ignore
    if ignore is not None and ignore.shape != masks.true.shape[-ignore.ndim :]:
        raise MasksUnreadable(
            f"The ignore mask of {name} has the size {ignore.shape}, but its masks "
            f"have {masks.true.shape}."
        )
    return evaluate(
        masks.found, masks.true, options, masks.in_frames, ignore, masks.classes
    )
