"""Searches the parameters that give the best masks, on corrected images.

The network runs once for each image and diameter: all else is tried on kept flows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import MasksUnreadable, ParametersUnfit
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.matching.evaluation.evaluate import (
    EvaluationOptions,
    evaluate,
)
from cellpose_studio.core.matching.evaluation.scores import Scores
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.search_record import SearchRecord
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.wording import some
from cellpose_studio.io.cache.flows import FlowCache, flow_key
from cellpose_studio.workflows.evaluation.decisions import NO_DECISIONS, Decisions
from cellpose_studio.workflows.evaluation.trials import METRICS, SearchTable, Trial

if TYPE_CHECKING:
    from cellpose_studio.engine.device import Precision

_OPTIONS = EvaluationOptions(boundary=None)
Labels = npt.NDArray[np.uint32]


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageToSearch:
    """A corrected image.

    Attributes
    ----------
    record
        Of the run that its masks come from.
    read
        Reads the corrected masks, from any thread.
    decisions
        What the user said of them.
    reviewed
        The user is done with it.
    id
        Of the image in the project; 0 if that does not matter.
    """

    image: ImageSource
    record: RunRecord
    read: Callable[[], Labels]
    decisions: Decisions = NO_DECISIONS
    reviewed: bool = False
    id: int = 0

    def true_masks(self) -> Labels:
        """Read the corrected masks, without the cells that were rejected."""
        return self.decisions.cells(self.read())


@dataclass(frozen=True, kw_only=True)
class Searchable:
    """Images that can be searched on together, and why others cannot.

    Attributes
    ----------
    left_out
        Names of images, each with the reason.
    """

    images: tuple[ImageToSearch, ...]
    left_out: tuple[str, ...] = ()

    @property
    def record(self) -> RunRecord:
        """A run with the model of all images; the newest one."""
        return max((one.record for one in self.images), key=lambda one: one.started)

    @property
    def note(self) -> str:
        """What the user has to know about the true masks; "" if nothing."""
        unsure = [one.image.name for one in self.images if not one.reviewed]
        if not unsure:
            return ""
        return (
            f"Not marked as reviewed: {some(unsure)}. All cells there count as true, "
            "also those that you have not looked at."
        )


def searchable(found: Sequence[ImageToSearch], shown: int = 0) -> Searchable:
    """Return the images of the model that one was run with, else most.

    Parameters
    ----------
    shown
        Id of the image whose model is taken, if it can be searched on.

    Raises
    ------
    MasksUnreadable
        If there is none.
    """
    usable, left_out = [], []
    for one in found:
        if one.record.blocks is not None:
            left_out.append(f"{one.image.name}: it was run in blocks, without flows")
        elif one.record.parameters.region is not None:
            left_out.append(f"{one.image.name}: its run was limited to a region")
        else:
            usable.append(one)
    if not usable:
        raise MasksUnreadable(
            "No image was run and corrected.",
            "Run a model on an image, correct the masks, and mark it as reviewed.",
        )
    wanted = [one for one in usable if shown and one.id == shown] or usable
    models = [one.record.model.sha256 for one in wanted]
    most = max(dict.fromkeys(models), key=models.count)
    for one in usable:
        if one.record.model.sha256 != most:
            title = one.record.model.title or one.record.model.name
            left_out.append(f"{one.image.name}: it was run with {title}")
    same = [one for one in usable if one.record.model.sha256 == most]
    return Searchable(images=tuple(same), left_out=tuple(left_out))


def search(
    images: Sequence[ImageToSearch],
    table: SearchTable,
    flows: FlowCache,
    checkpoint: Checkpoint,
) -> None:
    """Fill a table with the scores of its trials on images, one after the other.

    Raises
    ------
    ParametersUnfit
        If the corrected masks have another size, or there are no cells in any.
    ModelUnusable
        If the network has to run, and its weights are missing.
    Cancelled
        After a stop; the scores until then are in the table.
    """
    total = len(images) * len(table.trials)
    if not any(one.true_masks().any() for one in images):
        raise ParametersUnfit(
            "The corrected masks have no cells, so no settings are better than others."
        )
    for m, one in enumerate(images):
        true = one.true_masks()
        for n, scores in _scores(one, true, table.trials, flows, checkpoint):
            table.add(n, m, scores)
            checkpoint.reached(table.done, total, f"trial, {one.image.name}")


def record_of_search(
    table: SearchTable, model_sha256: str, chosen: int
) -> SearchRecord:
    """Return the record of a search of which a trial was chosen."""
    validated = table.validated() if chosen == table.best else None
    means = table.means()
    return SearchRecord(
        created=datetime.now(UTC),
        model_sha256=model_sha256,
        parameters=table.trials[chosen].values,
        trials=len(table.trials),
        images=len(table.compared),
        cells=sum(table.cells[n] for n in table.compared),
        metric=METRICS[table.metric],
        score=round(float(means[chosen]), 6),
        score_before=round(float(means[0]), 6),
        score_validated=None if validated is None else round(validated[0], 6),
    )


def _scores(
    one: ImageToSearch,
    true: Labels,
    trials: Sequence[Trial],
    cache: FlowCache,
    checkpoint: Checkpoint,
) -> Iterator[tuple[int, Scores]]:
    """Yield the scores of trials on an image."""
    # This imports torch, which a list of images does not need.
    from cellpose_studio.engine.masks.dynamics import FlowMaskMaker

    shape = one.image.label_shape
    if true.shape != shape:
        raise ParametersUnfit(
            f"The masks of {one.image.name} have the size {true.shape}, but the image "
            f"has {shape}."
        )
    unknown = one.decisions.unknown(true)
    quiet = Checkpoint(lambda *_: checkpoint.check())
    for diameter in dict.fromkeys(trial.diameter for trial in trials):
        parameters = one.record.parameters
        if diameter is not None:
            parameters = parameters.model_copy(update={"diameter": diameter})
        maker = FlowMaskMaker(_flows_of(one, parameters, cache, checkpoint), shape)
        # Trials of one cell probability share the way of the pixels.
        mine = [n for n, trial in enumerate(trials) if trial.diameter == diameter]
        # The present settings come first: what else is there is compared with them.
        mine.sort(key=lambda n: (n > 0, trials[n].cellprob_threshold))
        for n in mine:
            checkpoint.check()
            tried = parameters.model_copy(update=trials[n].thresholds)
            found = maker.masks(tried, quiet)
            in_frames = one.image.frames > 1
            yield n, evaluate(found, true, _OPTIONS, in_frames, unknown).scores


def _flows_of(
    one: ImageToSearch,
    parameters: SegmentationParameters,
    cache: FlowCache,
    checkpoint: Checkpoint,
) -> Flows:
    """Return flows that are kept; else run the network, and keep them."""
    from cellpose_studio.workflows.provenance.run_again import find_model
    from cellpose_studio.workflows.segment import segment

    record = one.record
    key = flow_key(
        one.image.fingerprint,
        one.image.scene,
        record.model.sha256,
        parameters,
        record.precision,
        one.image.file_axes,
    )
    kept = cache.get(key)
    if kept is not None:
        return kept
    precision = cast("Precision | None", record.precision or None)
    result = segment(
        one.image,
        find_model(record.model),
        parameters,
        Checkpoint(lambda *_: checkpoint.check()),
        precision=precision,
    )
    assert result.flows is not None
    cache.put(key, result.flows)
    return result.flows
