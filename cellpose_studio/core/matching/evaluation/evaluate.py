"""Evaluates the masks of an image, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.matching.evaluation.boundary import boundary_counts
from cellpose_studio.core.matching.evaluation.class_scores import (
    ClassScores,
    add_classes,
    class_scores,
)
from cellpose_studio.core.matching.evaluation.errors import (
    CellError,
    error_picture,
    errors_of,
)
from cellpose_studio.core.matching.evaluation.overlaps import (
    Flags,
    Labels,
    Overlaps,
    counted_overlaps,
)
from cellpose_studio.core.matching.evaluation.scores import (
    IOU_THRESHOLDS,
    Scores,
    scores_of,
    total,
)


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """What is computed.

    Attributes
    ----------
    thresholds
        IoU from which on two cells are the same.
    errors_at
        The IoU for wrong cells and classes.
    boundary
        Radius of the boundary score, px; None leaves it out.
    without_border
        Leave out cells that touch the border of the image.
    with_errors
        List the wrong cells.
    """

    thresholds: tuple[float, ...] = IOU_THRESHOLDS
    errors_at: float = 0.5
    boundary: float | None = 2.0
    without_border: bool = False
    with_errors: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """How well masks of an image agree with true ones.

    Attributes
    ----------
    frames
        Of each time point; one if the image is no time series.
    errors
        Wrong cells of all frames.
    classes
        By the name of the class; empty if none are known.
    """

    frames: tuple[Scores, ...]
    errors: tuple[CellError, ...] = ()
    classes: Mapping[str, ClassScores] = field(default_factory=dict)

    @property
    def scores(self) -> Scores:
        """The counts of all frames together."""
        return total(self.frames)


def evaluate(
    found: Labels,
    true: Labels,
    options: EvaluationOptions = EvaluationOptions(),
    in_frames: bool = False,
    ignore: Flags | None = None,
    classes: tuple[Mapping[int, str], Mapping[int, str] | None] | None = None,
) -> Evaluation:
    """Compare ``found`` with ``true``, label images of one shape.

    Parameters
    ----------
    in_frames
        The first axis is time, and each frame is compared by itself: a cell counts once
        in each frame, whatever its ids are.
    ignore
        True where nothing is known; of the same shape, or of its last axes.
    classes
        By id, those of true and of found cells; see `class_scores`.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    frames, errors, by_class = [], [], []
    for n, (one, other, hidden) in enumerate(_frames(found, true, in_frames, ignore)):
        cells = counted_overlaps(other, one, hidden, options.without_border)
        boundary = None
        if options.boundary is not None:
            every = hidden is None and not options.without_border
            counted = None if every else (cells.true_ids, cells.found_ids)
            boundary = boundary_counts(other, one, options.boundary, hidden, counted)
        frames.append(scores_of(cells, options.thresholds, boundary))
        if options.with_errors:
            errors += errors_of(cells, other, one, options.errors_at, n)
        if classes is not None:
            by_class.append(class_scores(cells, *classes, options.errors_at))
    return Evaluation(
        frames=tuple(frames), errors=tuple(errors), classes=add_classes(by_class)
    )


def draw_evaluation(
    found: Labels,
    true: Labels,
    options: EvaluationOptions,
    in_frames: bool,
    ignore: Flags | None = None,
) -> npt.NDArray[np.uint8]:
    """Return a picture of what is wrong with each cell, of the shape of the masks."""
    parts = []
    for one, other, hidden in _frames(found, true, in_frames, ignore):
        cells: Overlaps = counted_overlaps(other, one, hidden, options.without_border)
        errors = errors_of(cells, other, one, options.errors_at)
        parts.append(error_picture(cells, other, one, errors))
    return np.stack(parts).reshape(true.shape)


def _frames(
    found: Labels, true: Labels, in_frames: bool, ignore: Flags | None
) -> list[tuple[Labels, Labels, Flags | None]]:
    if found.shape != true.shape:
        raise ValueError(f"{found.shape} and {true.shape} cannot be compared")
    if ignore is not None:
        ignore = np.broadcast_to(ignore, true.shape)
    if not in_frames:
        return [(found, true, ignore)]
    return [
        (found[n], true[n], None if ignore is None else ignore[n])
        for n in range(len(true))
    ]
