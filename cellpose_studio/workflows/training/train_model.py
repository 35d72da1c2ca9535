"""Trains a model on pairs of images and masks, and writes it with its card."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import TrainingSetUnfit
from cellpose_studio.core.models.card import (
    PER_CELL,
    CardImage,
    CurvePoint,
    ModelCard,
    ParentComparison,
    TrainingData,
)
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.models.training import TrainingParameters
from cellpose_studio.core.models.training_set import TrainingPair
from cellpose_studio.engine.device import CPU, Device
from cellpose_studio.engine.networks.model_card import machine
from cellpose_studio.engine.networks.network import style_of
from cellpose_studio.engine.networks.size_model import (
    SizeModel,
    fit_size_model,
    save_size_model,
    size_model_path,
)
from cellpose_studio.engine.networks.weights import inspect, save_weights
from cellpose_studio.engine.training.augmentation import normalized_input
from cellpose_studio.engine.training.dataset import with_inputs
from cellpose_studio.engine.training.image_cache import read_pair
from cellpose_studio.engine.training.networks import refuse_untrainable
from cellpose_studio.engine.training.request import Report, Request, Result
from cellpose_studio.engine.training.trainer import spread, train
from cellpose_studio.engine.versions import versions
from cellpose_studio.io.atomic import replacing
from cellpose_studio.workflows.training.comparison import compare_with_parent
from cellpose_studio.workflows.training.model_file import (
    StateFile,
    refuse_unwritable,
    training_identity,
    write_card,
)
from cellpose_studio.workflows.training.validation import Validator

_MOST_SIZED = 200
"""Images that the size model is fitted to; more change it little."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ModelRequest:
    """A model to be trained.

    Attributes
    ----------
    pairs
        Images to train on and to validate on.
    out
        Weight file to write.
    parent
        Model that is trained further; None for a small U-Net of random weights.
    resume
        Go on from the state of an interrupted training, if there is one.
    title
        What the user calls the model.
    data, command
        For the card; without data, that of a project.
    stop_early
        As of `Request`.
    tell
        Gets a sentence on what does not stop the training.
    """

    pairs: Sequence[TrainingPair]
    out: Path
    parameters: TrainingParameters
    parent: ModelSpec | None = None
    device: Device = CPU
    resume: bool = False
    title: str = ""
    data: tuple[TrainingData, ...] = ()
    command: str = ""
    stop_early: Callable[[], None] = lambda: None
    tell: Callable[[str], None] = lambda _: None

    def of_role(self, role: str) -> list[TrainingPair]:
        """Return the pairs of a role."""
        return [pair for pair in self.pairs if pair.role == role]


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainedModel:
    """A model that was trained, with its card; and how many images of each role."""

    spec: ModelSpec
    used: int
    measured: int

    @property
    def comparison(self) -> ParentComparison | None:
        """The model against its parent, if both were measured."""
        return self.spec.card.comparison if self.spec.card is not None else None


def train_model(
    request: ModelRequest, checkpoint: Checkpoint, report: Report
) -> TrainedModel:
    """Train, and write the weights, the size model and the card.

    The state is saved now and then next to the weights, until all files are written.

    Raises
    ------
    TrainingSetUnfit
        If there is nothing to train on, or the saved state does not fit.
    ImageUnreadable, MasksUnreadable, CannotSave, ModelUnusable, DeviceFull
    Cancelled
    StoppedEarly
        If it was stopped before an epoch was measured.
    """
    refuse_unwritable(request.out, request.parent)
    refuse_unfit(request)
    pairs, parameters = request.pairs, request.parameters
    training = training_identity(pairs, parameters, request.parent)
    state = StateFile(request.out, training, request.resume, request.tell, checkpoint)
    unseen = request.of_role("validation")
    validate = Validator(unseen, parameters.channel, request.device, checkpoint)
    result = train(
        Request(
            train=request.of_role("train"),
            validation=unseen,
            parameters=parameters,
            parent=request.parent,
            device=request.device,
            validate=validate if unseen else None,
            start=state.start,
            keep=state.keep,
            stop_early=request.stop_early,
        ),
        checkpoint,
        report,
    )
    result.trained.net.to("cpu")
    sizes = _size_model(result, parameters, checkpoint)
    with replacing(request.out) as part:
        save_weights(result.trained.net, part)
    if sizes is not None:
        with replacing(size_model_path(request.out)) as part:
            save_size_model(sizes, part)
    card = _card(request, result, state.seconds)
    # The card belongs to the file as it was written, so its weights are read again.
    spec = inspect(request.out).model_copy(update=_words(request) | {"card": card})
    write_card(spec, request.out)
    # The training can be resumed until all of its files are written.
    state.path.unlink(missing_ok=True)
    return TrainedModel(spec=spec, used=len(result.used), measured=len(unseen))


def refuse_unfit(request: ModelRequest) -> None:
    """Raise `TrainingSetUnfit` if there is nothing to train on, or it takes a GPU."""
    if not request.of_role("train"):
        raise TrainingSetUnfit(
            "There is no image with masks to train on.",
            "Mark corrected images for training, or put image.tif and image_masks.tif "
            "into one folder.",
        )
    parent = request.parent
    if parent is None:
        return
    refuse_untrainable(parent)
    if not parent.architecture_info.scales_images and request.device == CPU:
        raise TrainingSetUnfit(
            f"{parent.label} is a Transformer, which is trained on a GPU only: on a "
            "processor it would take days.",
            "Choose a GPU as the device, or train one of the U-Nets.",
        )


def _words(request: ModelRequest) -> dict[str, str]:
    """Return title, description and licence of the model."""
    parent = request.parent
    if parent is None:
        return {"title": request.title}
    return {
        "title": request.title,
        "description": f"Trained from {parent.label}.",
        # Weights that come from others stay under their licence.
        "licence": parent.licence,
    }


def _size_model(
    result: Result, parameters: TrainingParameters, checkpoint: Checkpoint
) -> SizeModel | None:
    """Return the size model of a network.

    None if there are no cells to fit it to, or it sees cells of any size.
    """
    checkpoint.reached(0, 0, "learning the diameter")
    trained = result.trained
    if trained.scale_to is None:
        return None
    known = [n for n, fact in enumerate(result.facts) if fact.diameter is not None]
    some = [known[n] for n in spread(len(known), _MOST_SIZED)] if known else []
    if not some:
        return None
    inputs, diameters = [], []
    for n in some:
        checkpoint.check()
        pixels = read_pair(result.used[n], parameters.channel).pixels
        seen = with_inputs(normalized_input(pixels), trained.inputs)
        inputs.append(seen.transpose(1, 2, 0))
        diameters.append(result.facts[n].diameter or 0.0)
    return fit_size_model(
        inputs,
        diameters,
        partial(style_of, trained.net),
        trained.scale_to,
        checkpoint.check,
    )


def _card(request: ModelRequest, result: Result, seconds: float) -> ModelCard:
    parent, state = request.parent, result.state
    used = {pair.name for pair in result.used}
    return ModelCard(
        data=request.data or _data(result),
        command=request.command,
        seed=request.parameters.seed,
        # 0 would say that it is not known.
        minutes=max(round(seconds / 60, 1), 0.1),
        machine=machine(),
        versions=versions(),
        date=datetime.now(UTC).date().isoformat(),
        targets=PER_CELL,
        parent=parent.label if parent is not None else "",
        parent_sha256=parent.sha256 if parent is not None else "",
        parameters=request.parameters.model_dump(mode="json"),
        images=tuple(
            CardImage(
                name=pair.name,
                role=pair.role,
                source=pair.source,
                identity=pair.identity,
                cells=pair.cells,
            )
            for pair in request.pairs
            if pair.role == "validation" or pair.name in used
        ),
        epoch=state.best_epoch or state.epochs,
        curve=tuple(_point(*values) for values in state.curve),
        comparison=compare_with_parent(*state.aps)
        if state.aps and state.aps[0]
        else None,
    )


def _data(result: Result) -> tuple[TrainingData, ...]:
    cells = sum(fact.cells for fact in result.facts)
    return (TrainingData(name="project", images=len(result.used), cells=cells),)


def _point(epoch: float, *values: float) -> CurvePoint:
    known = [None if math.isnan(v) else round(v, 6) for v in values]
    names = "train_loss", "validation_loss", "validation_ap", "validation_score"
    # A training that an earlier version began has no score.
    return CurvePoint(epoch=int(epoch), **dict(zip(names, known, strict=False)))
