"""Segments one image: resolves automatic parameters, runs the network, makes masks."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import DeviceFull, ModelUnusable, ParametersUnfit
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.channels import default_channels
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.core.runs.hints import NO_HINT, hint_for, looks_wrong
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.segmentation import Segmentation
from cellpose_studio.core.runs.volumes import notes_on_unknown, notes_on_volume
from cellpose_studio.engine.device import CPU, Device, Engine, Precision
from cellpose_studio.engine.device_memory import on_cpu_if_full
from cellpose_studio.engine.estimates.diameter import measure_diameter
from cellpose_studio.engine.estimates.quick_look import propose_model
from cellpose_studio.engine.flows.compute import (
    among_all,
    concatenate_flows,
    count_tiles,
    flows_of_planes,
    flows_of_volume,
)
from cellpose_studio.engine.flows.holes import WHOLE
from cellpose_studio.engine.flows.preparation.context import StepContext
from cellpose_studio.engine.flows.preparation.prepared import prepared
from cellpose_studio.engine.flows.preparation.restoring import with_hashes
from cellpose_studio.engine.flows.prepare import (
    among_needed,
    needed_channels,
    network_input,
)
from cellpose_studio.engine.flows.region import (
    look_closer,
    needed_part,
    refuse_outside,
)
from cellpose_studio.engine.flows.tiles import TileCounter
from cellpose_studio.engine.masks.dynamics import FlowMaskMaker, steps_for
from cellpose_studio.engine.networks.catalogue import offered, shipped
from cellpose_studio.engine.networks.network import Network, NetworkCache
from cellpose_studio.engine.threads import torch_threads
from cellpose_studio.engine.versions import has_openvino

FloatArray = npt.NDArray[np.float32]
_Computed = tuple[Network, SegmentationParameters, Flows, tuple[str, ...]]

_MOST_ANISOTROPY = 100
"""Limit of the parameter; metadata beyond it must be wrong."""

_AUTOMATIC = ("channels", "diameter", "anisotropy")
"""Parameters that are found for the image where the user sets none."""


def segment(
    image: ImageSource,
    model: ModelSpec,
    parameters: SegmentationParameters,
    checkpoint: Checkpoint,
    device: Device = CPU,
    networks: NetworkCache | None = None,
    precision: Precision | None = None,
    engine: Engine | None = None,
) -> Segmentation:
    """Run ``model`` on ``image``, time point by time point.

    A stack runs as a volume with ``do_3D``, otherwise plane by plane. With a region,
    the network runs on the tiles of the image that it needs, and the masks have only
    the cells in it, as a run on the whole image gives them. If the memory of the device
    is too small, the CPU is used instead, and ``notes`` says so.
    ``precision`` None chooses the fastest that the device supports natively, and
    ``engine`` None how threads of the CPU run the tiles of this network best.

    Raises
    ------
    ImageUnreadable, ModelUnusable, ParametersUnfit, NotEnoughMemory
        With a sentence for the user.
    NoCellThere
        If the region is that of one cell, and there is none.
    Cancelled
        After a stop.
    """
    started = time.perf_counter()
    networks = networks or NetworkCache()
    model, chosen = chosen_model(image, model, parameters, checkpoint)
    # Fitting fills in the anisotropy, so what nobody said is found out before.
    unknown = notes_on_unknown(parameters, image)
    automatic = automatic_parts(parameters, chosen)
    parameters = fit_parameters(parameters, image, model)
    checkpoint.reached(0, 0, "loading the model")

    def flows_by(device: Device, *full: str) -> _Computed:
        network = with_engine(
            networks.get(model, device, checkpoint.check, precision), engine
        )
        fitted, flows, notes = _flows(image, network, parameters, checkpoint)
        return network, fitted, flows, full or notes

    network, parameters, flows, notes = on_cpu_if_full(flows_by, device)
    device = network.device
    maker = FlowMaskMaker(flows, image.label_shape, device)
    labels = maker.masks(parameters, checkpoint)
    if parameters.region is not None and parameters.region.cell_at is not None:
        parameters, labels = look_closer(maker, labels, parameters, checkpoint)
    confidence = maker.confidence(labels, parameters, checkpoint)
    is_set = "diameter" not in automatic
    given, measured = parameters.diameter if is_set else None, None
    region = parameters.region
    if network.spec.architecture_info.scales_images:
        # A measurement takes as long as a run: only a result that looks wrong is
        # worth another one.
        measured = None if is_set else parameters.diameter
        if is_set and region is None and looks_wrong(confidence):
            measured = _measured_diameter(image, network, parameters, checkpoint)
    hint = hint_for(confidence, model, models_to_try(chosen), given, measured)
    notes = (*chosen, *notes, *unknown, *notes_on_volume(parameters, flows.agreement))
    if maker.fell_back:
        notes += (f"{device.title} was full, so the CPU made the masks.",)
    return Segmentation(
        image=image,
        model=model,
        parameters=parameters,
        labels=labels,
        flows=flows,
        maker=maker,
        device=device.title,
        precision=network.precision,
        engine=network.engine if device == CPU else "",
        seconds=time.perf_counter() - started,
        confidence=confidence,
        hint=NO_HINT if region else hint,
        measured_diameter=measured,
        notes=notes,
        device_name=device.name,
        threads=torch_threads(),
        tile_size=network.tile,
        automatic=automatic,
        steps=steps_for(parameters, flows.scale),
        steps_needed=maker.steps_needed,
    )


def chosen_model(
    image: ImageSource,
    model: ModelSpec,
    parameters: SegmentationParameters,
    checkpoint: Checkpoint,
) -> tuple[ModelSpec, tuple[str, ...]]:
    """Return the model of a run, and what to say if a quick look chose it.

    Raises
    ------
    ImageUnreadable, ModelUnusable, ParametersUnfit, Cancelled
    """
    if not model.is_automatic:
        return model, ()
    # The shipped networks see the same channels, so these fit each of them.
    channels = fit_parameters(parameters, image, model).channels
    asked = parameters.model_copy(update={"channels": channels})
    proposal = propose_model(image, shipped(), asked, checkpoint)
    return proposal.model, (proposal.sentence,)


def models_to_try(chosen: tuple[str, ...]) -> list[ModelSpec]:
    """Return what a hint may name instead; ``chosen`` is by `chosen_model`."""
    # What has chosen already would choose the same again.
    return shipped() if chosen else offered()


def automatic_parts(
    asked: SegmentationParameters, chosen: tuple[str, ...]
) -> tuple[str, ...]:
    """Return what of a run the user left open; ``chosen`` is by `chosen_model`."""
    unset = [name for name in _AUTOMATIC if not getattr(asked, name)]
    if asked.postprocessing == "automatic":
        unset.append("postprocessing")
    return (*(["model"] if chosen else []), *unset)


def with_engine(network: Network, engine: Engine | None) -> Network:
    """Return a network whose tiles threads run as told; None leaves it as it is.

    Raises
    ------
    ParametersUnfit
        If the network has no attention that could be fused, or OpenVINO cannot run it.
    ModelUnusable
        If the engine is not installed.
    """
    info, label = network.spec.architecture_info, network.spec.label
    if engine == "fused-attention" and not info.fuses_attention:
        raise ParametersUnfit(
            f"The attention of {label} cannot be fused.",
            "Leave the engine to the model.",
        )
    if engine == "openvino" and not info.openvino:
        raise ParametersUnfit(
            f"OpenVINO does not run {label}.", "Leave the engine to the model."
        )
    if engine == "openvino" and network.device == CPU and not has_openvino():
        raise ModelUnusable(
            "This run needs OpenVINO, which is not installed.",
            "Install it with “pip install cellpose-studio[openvino]”, or choose "
            "another engine.",
        )
    return network if engine is None else replace(network, engine=engine)


def fit_parameters(
    parameters: SegmentationParameters, image: ImageSource, model: ModelSpec
) -> SegmentationParameters:
    """Fill in what the image and the model tell; refuse invalid parameters."""
    seen = prepared(image, parameters.preparation)
    steps = with_hashes(parameters.preparation)
    channels = parameters.channels or default_channels(seen, model.input_channels)
    if len(channels) > model.input_channels:
        raise ParametersUnfit(
            f"{model.label} sees {model.input_channels} channels, not {len(channels)}.",
            "Choose fewer channels.",
        )
    if all(c is None for c in channels):
        raise ParametersUnfit(
            f"No channel of {image.name} is chosen.", "Choose at least one."
        )
    if missing := [c for c in channels if c and c > seen.channels]:
        raise ParametersUnfit(
            f"{image.name} has no channel {missing[0]}: it has {seen.channels}.",
            "Choose another channel.",
        )
    if parameters.do_3D and image.planes == 1:
        raise ParametersUnfit(
            f"{image.name} is a single plane, which cannot run as 3D.",
            "Turn 3D off, or check the axes of the image.",
        )
    if parameters.region is not None:
        refuse_outside(parameters, image)
    # The record of the run shows what each input of the network has seen.
    channels = (*channels, *[None] * (model.input_channels - len(channels)))
    anisotropy = parameters.anisotropy or _anisotropy(image, parameters.do_3D)
    finish = parameters.postprocessing
    if finish == "automatic":
        # How sure a network has to be of a cell is known of those that ship, and masks
        # of a published model are to be those that Cellpose gives.
        finish = "clean" if model.source == "shipped" else "cellpose"
    return parameters.model_copy(
        update={
            "channels": channels,
            "anisotropy": anisotropy,
            "postprocessing": finish,
            "preparation": steps,
        }
    )


def _anisotropy(image: ImageSource, matters: bool) -> float:
    """Return the anisotropy of the metadata; 1 if it is missing or implausible."""
    anisotropy = image.anisotropy or 1.0
    if 1 / _MOST_ANISOTROPY <= anisotropy <= _MOST_ANISOTROPY:
        return anisotropy
    # Only volumes use the anisotropy, so nonsense in a file does not stop other runs.
    if not matters:
        return 1.0
    raise ParametersUnfit(
        f"By its metadata, the planes of {image.name} are {anisotropy:.3g} pixels "
        "apart.",
        "Set the anisotropy to their true distance over the pixel size.",
    )


def _flows(
    image: ImageSource,
    network: Network,
    parameters: SegmentationParameters,
    checkpoint: Checkpoint,
) -> tuple[SegmentationParameters, Flows, tuple[str, ...]]:
    """Return the parameters with the diameter, the flows of all time points, notes."""
    stacks = _Stacks(image, parameters, checkpoint, network.device)
    diameter = parameters.diameter or _automatic_diameter(
        stacks, network, parameters, checkpoint
    )
    parameters = parameters.model_copy(update={"diameter": diameter})
    scale = network.spec.diam_mean / diameter
    frames, planes, part = needed_part(image, network, parameters, diameter)
    tiles = count_tiles(
        (len(planes), *image.shape[3:]), network, parameters, scale, part
    )
    counter = TileCounter(checkpoint, len(frames) * tiles)
    run = flows_of_volume if parameters.do_3D else flows_of_planes
    parts = []
    for t in frames:
        # This shows the total and notices a stop before the pixels are read.
        counter.add(0)
        stack = stacks.at(t)[planes.start : planes.stop]
        parts.append(run(network, stack, parameters, diameter, counter, part))
    flows = concatenate_flows(parts)
    if parameters.region is not None:
        first = frames.start * image.planes + planes.start
        flows = among_all(flows, image.frames, image.planes, first)
    return parameters, flows, notes_on_memory(counter, network)


def notes_on_memory(counter: TileCounter, network: Network) -> tuple[str, ...]:
    """Return that the memory of a GPU was too small for the tiles that were asked."""
    if counter.batch is None:
        return ()
    tiles = "one tile" if counter.batch == 1 else f"{counter.batch} tiles"
    return (
        f"{network.device.title} had too little memory for more than {tiles} at once; "
        "the result is the same.",
    )


def _measured_diameter(
    image: ImageSource,
    network: Network,
    parameters: SegmentationParameters,
    checkpoint: Checkpoint,
) -> float | None:
    """Return the diameter of the cells; None if the memory is too small for that."""
    stacks = _Stacks(image, parameters, checkpoint, network.device)
    try:
        return _automatic_diameter(stacks, network, parameters, checkpoint)
    except DeviceFull:
        return None


def _automatic_diameter(
    stacks: _Stacks,
    network: Network,
    parameters: SegmentationParameters,
    checkpoint: Checkpoint,
) -> float:
    """Return the diameter of the cells on the middle plane of the first time point.

    With a region, it is that of its plane and its time point, all of which is measured.

    The Transformers of Cellpose 4 segment cells of any size; as in Cellpose, their
    images are not scaled.
    """
    if not network.spec.architecture_info.scales_images:
        return network.spec.diam_mean
    region = parameters.region
    stack = stacks.at((region.frame or 1) - 1 if region else 0)
    plane = region.plane - 1 if region and region.plane else len(stack) // 2
    with network.watched(checkpoint.check):
        found = measure_diameter(
            network, stack[plane], parameters.without_region(), checkpoint
        )
    # The user can type in a rounded diameter and gets the same masks with it.
    return round(found, 1)


@dataclass
class _Stacks:
    """Network input of each time point; the last one is cached."""

    image: ImageSource
    parameters: SegmentationParameters
    checkpoint: Checkpoint
    device: Device
    _last: dict[int, FloatArray] = field(default_factory=dict)

    def at(self, t: int) -> FloatArray:
        """Return time point ``t`` as (Z, Y, X, C)."""
        # The first time point is needed twice if its diameter is measured. No other one
        # is kept, because a stack may fill much of the memory.
        if t not in self._last:
            self._last = {t: self._read(t)}
        return self._last[t]

    def _read(self, t: int) -> FloatArray:
        steps = self.parameters.preparation
        context = StepContext(checkpoint=self.checkpoint, device=self.device)
        image = prepared(self.image, steps, context)
        if steps:
            self.checkpoint.reached(0, 0, "preparing the input")
        chosen = self.parameters.channels
        own = image.own_channels
        needed = needed_channels(chosen, own)
        pixels = image.volume(t, needed)
        channels = among_needed(chosen, needed)
        normalization = self.parameters.normalization
        # A volume is also seen from its sides, where planes that were normalised apart
        # would appear as stripes.
        together = self.parameters.do_3D or (
            self.parameters.stitch_threshold > 0 and normalization.norm3D
        )
        part = WHOLE
        region = self.parameters.region
        if region is not None and region.contrast == "region":
            part = region.rows_and_columns(self.image.shape[3:])
        return network_input(channels, pixels, normalization, together, part, own)
