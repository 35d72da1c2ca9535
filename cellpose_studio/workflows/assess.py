"""Measures the accuracy of a model on images with true masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.card import Accuracy
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.segmentation import Segmentation
from cellpose_studio.engine.estimates.diameter import median_diameter
from cellpose_studio.engine.evaluation import Agreement, agreement
from cellpose_studio.engine.networks.network import NetworkCache
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.exchange.extent import ImageExtent
from cellpose_studio.io.masks.reader import read_masks
from cellpose_studio.workflows.segment import segment


@dataclass(frozen=True, eq=False, kw_only=True)
class Assessed:
    """Result of a model on one image, with the true masks.

    Attributes
    ----------
    true
        The true masks.
    diameter_error
        |measured / true - 1| of the diameter; NaN if there are too few cells.
    """

    image: Path
    run: Segmentation
    true: npt.NDArray[np.integer]
    agreement: Agreement
    diameter_error: float


def assess(
    model: ModelSpec,
    pairs: Sequence[tuple[Path, Path]],
    checkpoint: Checkpoint,
    parameters: SegmentationParameters | None = None,
) -> Iterator[Assessed]:
    """Yield the result of ``model`` on each image of ``pairs``, with its true masks.

    Automatic ``parameters`` are determined on each image.

    Raises
    ------
    StudioError
        If an image, masks or the model cannot be used.
    Cancelled
        After a stop.
    """
    networks = NetworkCache()
    for image, masks in pairs:
        source = open_images(image)[0]
        known = read_masks(masks, ImageExtent.of(source))
        true = known.labels
        wanted = parameters or SegmentationParameters(postprocessing="automatic")
        run = segment(source, model, wanted, checkpoint, networks=networks)
        yield Assessed(
            image=image,
            run=run,
            true=true,
            agreement=agreement(run.labels, true, source.frames > 1, known.unlabelled),
            diameter_error=_error(
                run.parameters.diameter or 0.0, median_diameter(true)
            ),
        )


def accuracy_of(kind: str, results: Sequence[Assessed]) -> Accuracy:
    """Return the mean accuracy of a model on images of one kind."""
    precision = np.array([result.agreement.precision for result in results])
    ap50, ap75, ap90 = (round(float(value), 3) for value in precision.mean(axis=0))
    errors = [result.diameter_error for result in results]
    return Accuracy(
        kind=kind,
        images=len(results),
        ap50=ap50,
        ap75=ap75,
        ap90=ap90,
        worst=round(float(precision[:, 0].min()), 3),
        best=round(float(precision[:, 0].max()), 3),
        # Images with too few cells have no true diameter, and NaN stands for it.
        diameter_error=round(float(np.nanmedian(errors)), 3),
    )


def _error(found: float, true: float | None) -> float:
    return abs(found / true - 1) if true else float("nan")
