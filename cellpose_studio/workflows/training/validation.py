"""Measures a network in training on the validation images, as a run would use it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint, QuietCheckpoint
from cellpose_studio.core.matching.evaluation.evaluate import (
    EvaluationOptions,
    evaluate,
)
from cellpose_studio.core.matching.evaluation.scores import IOU_THRESHOLDS
from cellpose_studio.core.models.card import PER_CELL, ModelCard
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.models.training import TrainingImage, ValidationSample
from cellpose_studio.core.models.training_set import TrainingPair
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.device import Device, engine_for
from cellpose_studio.engine.flows.compute import flows_of_planes
from cellpose_studio.engine.flows.tiles import TileCounter
from cellpose_studio.engine.masks.dynamics import FlowMaskMaker
from cellpose_studio.engine.networks.network import Network
from cellpose_studio.engine.training.augmentation import normalized_input
from cellpose_studio.engine.training.dataset import diameter_of, with_inputs
from cellpose_studio.engine.training.image_cache import read_pair
from cellpose_studio.engine.training.networks import TrainedNetwork
from cellpose_studio.engine.training.request import Validation
from cellpose_studio.engine.training.trainer import spread

_MOST_IMAGES = 24
"""Validation images that a run is made on; more would take longer than the training."""
_MOST_SIDE = 1024
"""Side of the part of a large image that a run is made on, px: its middle."""
_OPTIONS = EvaluationOptions(
    thresholds=tuple(iou for iou in IOU_THRESHOLDS if iou <= 0.9), boundary=None
)
_SAMPLES = 3
_SAMPLE_SIDE = 192

Labels = npt.NDArray[np.integer]


class Validator:
    """Runs a network on the validation images; one after another is in memory.

    The diameter is that of the true cells. Whether the model finds it by itself, an
    evaluation of the finished model tells.
    """

    def __init__(
        self,
        pairs: Sequence[TrainingPair],
        channel: int,
        device: Device,
        checkpoint: Checkpoint,
    ) -> None:
        self._pairs = [pairs[n] for n in spread(len(pairs), _MOST_IMAGES)]
        self._channel = channel
        self._device = device
        self._checkpoint = checkpoint

    def __call__(self, trained: TrainedNetwork) -> Validation:
        """Return the AP of each image, and samples of the first ones."""
        network = network_of(trained, self._device)
        aps, means, samples = [], [], []
        for n, pair in enumerate(self._pairs):
            self._checkpoint.reached(n, len(self._pairs), "validating")
            image = _middle(read_pair(pair, self._channel))
            seen = normalized_input(image.pixels)
            found = found_cells(network, seen, image.labels, self._checkpoint)
            scores = evaluate(found, image.labels, _OPTIONS, False, image.ignore).scores
            ap = float(scores.ap[0])
            aps.append(ap)
            means.append(float(scores.ap.mean()))
            if n < _SAMPLES:
                samples.append(_sample(pair.name, seen, found, image.labels, ap))
        return Validation(aps=tuple(aps), means=tuple(means), samples=tuple(samples))


def network_of(trained: TrainedNetwork, device: Device) -> Network:
    """Return a network in training as one that runs on images."""
    spec = ModelSpec(
        name="training",
        path=Path("training"),
        architecture=trained.info.name,
        sha256="",
        input_channels=trained.inputs,
        diam_mean=trained.diam_mean,
        diam_labels=float(trained.net.diam_labels),
        card=ModelCard(targets=PER_CELL),
    )
    return Network(
        spec=spec,
        module=trained.net,
        blocks=tuple(trained.blocks(trained.net)),
        device=device,
        precision="float32",
        engine=engine_for(trained.info.name),
    )


def found_cells(
    network: Network,
    seen: npt.NDArray[np.float32],
    true: Labels,
    checkpoint: Checkpoint,
) -> npt.NDArray[np.uint32]:
    """Return the cells of a normalised image (Y, X) that a network finds."""
    diameter = diameter_of(true) if network.spec.architecture_info.scales_images else 0
    parameters = SegmentationParameters(diameter=diameter or network.spec.diam_mean)
    stack = with_inputs(seen, network.spec.input_channels).transpose(1, 2, 0)[None]
    quiet = QuietCheckpoint(checkpoint)
    flows = flows_of_planes(
        network,
        np.ascontiguousarray(stack),
        parameters,
        parameters.diameter or 1.0,
        TileCounter(quiet, 0),
    )
    return FlowMaskMaker(flows, seen.shape, network.device).masks(parameters, quiet)


def _middle(image: TrainingImage) -> TrainingImage:
    height, width = image.labels.shape
    if max(height, width) <= _MOST_SIDE:
        return image
    y, x = (max(0, (length - _MOST_SIDE) // 2) for length in (height, width))
    part = slice(y, y + _MOST_SIDE), slice(x, x + _MOST_SIDE)
    return TrainingImage(
        image.name,
        image.pixels[(slice(None), *part)],
        image.labels[part],
        image.share,
        None if image.ignore is None else image.ignore[part],
    )


def _sample(
    name: str,
    seen: npt.NDArray[np.float32],
    found: Labels,
    true: Labels,
    ap: float,
) -> ValidationSample:
    part = tuple(
        slice(max(0, (n - _SAMPLE_SIDE) // 2), (n + _SAMPLE_SIDE) // 2)
        for n in seen.shape
    )
    grey = (np.clip(seen[part], 0, 1) * 255).astype(np.uint8)
    return ValidationSample(
        name=name, grey=grey, found=found[part], true=true[part], ap=ap
    )
