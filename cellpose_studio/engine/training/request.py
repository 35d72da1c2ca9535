"""What a training is asked for, and what comes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.models.training import (
    EpochReport,
    TrainingParameters,
    ValidationSample,
)
from cellpose_studio.core.models.training_set import TrainingPair
from cellpose_studio.engine.device import CPU, Device
from cellpose_studio.engine.training.dataset import ImageFacts
from cellpose_studio.engine.training.image_cache import MOST_BYTES
from cellpose_studio.engine.training.networks import TrainedNetwork
from cellpose_studio.engine.training.state import TrainingState

Report = Callable[[EpochReport], None]


@dataclass(frozen=True, eq=False, kw_only=True)
class Validation:
    """What a network finds on the validation images.

    Attributes
    ----------
    aps
        AP at IoU 0.5 of each image.
    means
        Mean AP at IoU 0.5, 0.55 … 0.9 of each, which jumps less than that at one IoU;
        empty stands for ``aps``.
    """

    aps: tuple[float, ...]
    means: tuple[float, ...] = ()
    samples: tuple[ValidationSample, ...] = ()

    @property
    def ap(self) -> float:
        """The mean over the images; NaN if none has cells."""
        return _mean(self.aps)

    @property
    def score(self) -> float:
        """What epochs are compared by: the mean of ``means``; NaN without cells."""
        return _mean(self.means or self.aps)


def _mean(values: Sequence[float]) -> float:
    known = [one for one in values if not math.isnan(one)]
    return float(np.mean(known)) if known else math.nan


Validate = Callable[[TrainedNetwork], Validation]


@dataclass(frozen=True, eq=False, kw_only=True)
class Request:
    """What a training is asked for.

    Attributes
    ----------
    train, validation
        Images that are trained on, and those that are only measured.
    parent
        Model that is trained further; None for a U-Net of random weights.
    validate
        Measures the network on the validation images; None if there are none.
    start, keep
        State to go on from, and what gets the state now and then.
    stop_early
        Called several times a second; raises `StoppedEarly` to end the training.
    """

    train: Sequence[TrainingPair]
    validation: Sequence[TrainingPair]
    parameters: TrainingParameters
    parent: ModelSpec | None = None
    device: Device = CPU
    validate: Validate | None = None
    start: TrainingState | None = None
    keep: Callable[[TrainingState], None] = lambda _: None
    stop_early: Callable[[], None] = lambda: None
    most_bytes: int = MOST_BYTES


@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """A trained network, in evaluation mode, with what it was trained on.

    Attributes
    ----------
    used
        Images that were trained on; those of ``train`` with too few cells are not.
    facts
        Of each of ``used``.
    state
        The last one; its best weights are those of the network.
    """

    trained: TrainedNetwork
    used: Sequence[TrainingPair]
    facts: Sequence[ImageFacts]
    state: TrainingState
