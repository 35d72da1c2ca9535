"""Segments one image in blocks: never more than one of them is in memory."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from cellpose_studio.core.checkpoint import Checkpoint, QuietCheckpoint
from cellpose_studio.core.errors import CannotSave, ParametersUnfit
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.hints import hint_for
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.segmentation import Blocks, BlockSegmentation
from cellpose_studio.core.runs.volumes import notes_on_unknown, notes_on_volume
from cellpose_studio.engine.blocks.network_flows import NetworkFlows
from cellpose_studio.engine.blocks.result import masks_in_blocks
from cellpose_studio.engine.blocks.survey import NormalizedImage
from cellpose_studio.engine.device import CPU, Device, Engine, Precision
from cellpose_studio.engine.device_memory import on_cpu_if_full
from cellpose_studio.engine.flows.preparation.context import StepContext
from cellpose_studio.engine.flows.tiles import TileCounter
from cellpose_studio.engine.masks.dynamics import steps_for
from cellpose_studio.engine.networks.network import Network, NetworkCache
from cellpose_studio.engine.versions import versions
from cellpose_studio.io.cache.block_owner import owner_of
from cellpose_studio.io.cache.block_store import BlockFolder, block_folder, has_blocks
from cellpose_studio.paths import cache_dir
from cellpose_studio.workflows.blocks.executor import BlockExecutor, LocalExecutor
from cellpose_studio.workflows.blocks.forecast import forecast, reason_whole
from cellpose_studio.workflows.blocks.plan import BlockPlan, ImagePlace
from cellpose_studio.workflows.segment import (
    automatic_parts,
    chosen_model,
    fit_parameters,
    models_to_try,
    notes_on_memory,
)

_GENERATION = 2
"""To be incremented when images are cut, or blocks stored, in another way."""

_RESUMED = "Blocks that an earlier run had finished before it was stopped were used."
_ANEW = (
    "The same run was stopped earlier, and this one began anew: its blocks were "
    "computed by another version of the application or of its libraries."
)


@contextmanager
def segment_in_blocks(
    image: ImageSource,
    model: ModelSpec,
    parameters: SegmentationParameters,
    checkpoint: Checkpoint,
    side: tuple[int, int, int],
    device: Device = CPU,
    networks: NetworkCache | None = None,
    precision: Precision | None = None,
    engine: Engine | None = None,
    folder: Path | None = None,
    executor: BlockExecutor | None = None,
    take_over: bool = False,
) -> Iterator[BlockSegmentation]:
    """Run ``model`` on ``image`` in blocks of ``side`` (Z, Y, X), and yield the result.

    Its masks are on disk until the end of the block. After a stop or a kill, or if the
    block raises, the same run goes on with the next block. Arguments are those of
    `segment`; ``folder`` is for the state, by default in the user's cache folder.
    ``executor`` does the work, by default in this process, and ``take_over`` is that of
    `block_folder`.

    Raises
    ------
    ImageUnreadable, ModelUnusable, ParametersUnfit, NotEnoughMemory
        With a sentence for the user.
    CannotSave
        If the disk is too full for the state of the run, or another computer has it.
    ClusterUnusable
        If other computers do the work, and cannot.
    Cancelled
        After a stop.
    """
    if reason := reason_whole(image, parameters):
        raise ParametersUnfit(
            f"{image.name} cannot be run in blocks: {reason}.",
            "Turn that off, or run the image as a whole.",
        )
    run = _BlockRun(
        image=image,
        model=model,
        parameters=parameters,
        checkpoint=checkpoint,
        side=side,
        executor=executor or LocalExecutor(networks),
        precision=precision,
        engine=engine,
        folder=folder or cache_dir() / "blocks",
        take_over=take_over,
    )
    with ExitStack() as stack:
        yield on_cpu_if_full(partial(run.on, stack), device)


class _BlockRun:
    """One run, which may have to change the device."""

    def __init__(self, **given: Any) -> None:
        self._given = given

    def on(self, stack: ExitStack, device: Device, *notes: str) -> BlockSegmentation:
        """Run on a device; ``stack`` removes the state of the run at its end."""
        given = self._given
        started = time.perf_counter()
        image: ImageSource = given["image"]
        model: ModelSpec = given["model"]
        checkpoint: Checkpoint = given["checkpoint"]
        side: tuple[int, int, int] = given["side"]
        asked: SegmentationParameters = given["parameters"]
        model, chosen = chosen_model(image, model, asked, checkpoint)
        automatic = automatic_parts(asked, chosen)
        unknown = notes_on_unknown(asked, image)
        parameters = fit_parameters(asked, image, model)
        executor: BlockExecutor = given["executor"]
        executor.refuse(image, model, parameters, side, checkpoint)
        checkpoint.reached(0, 0, "loading the model")
        network = executor.network(
            model, device, given["precision"], given["engine"], checkpoint
        )
        context = StepContext(checkpoint=checkpoint, device=device)
        pixels = NormalizedImage(image, parameters, context=context)
        pixels.look(checkpoint)
        plan = BlockPlan(
            place=ImagePlace.of(image),
            model=model,
            device=device,
            precision=network.precision,
            engine=network.engine,
            parameters=parameters,
            survey=pixels.survey,
            side=side,
        )
        diameter = parameters.diameter or (
            executor.diameter(plan, pixels, network, checkpoint)
            if model.architecture_info.scales_images
            else model.diam_mean
        )
        parameters = parameters.model_copy(update={"diameter": diameter})
        plan = replace(plan, parameters=parameters)
        key = _key(image, network, parameters, side)
        anew = _has_other_version(given["folder"], key)
        store, resumed = stack.enter_context(
            block_folder(given["folder"], key, given["take_over"])
        )
        flows = plan.flows(image, network, store, QuietCheckpoint(checkpoint))
        if not resumed:
            _refuse_full_disk(image, model, parameters, side[1], flows, store.path)
        executor.begin(plan, store)
        counter = TileCounter(checkpoint, flows.count_tiles())
        executor.run_groups(flows, counter, checkpoint)
        labels, confidence = masks_in_blocks(
            flows,
            image.label_shape,
            store,
            parameters,
            side,
            plan.overlap,
            checkpoint,
            partial(executor.do_pass, checkpoint=checkpoint),
        )
        is_set = "diameter" not in automatic
        scales = model.architecture_info.scales_images
        measured = parameters.diameter if scales and not is_set else None
        return BlockSegmentation(
            image=image,
            model=model,
            parameters=parameters,
            labels=labels,
            device=device.title,
            precision=network.precision,
            engine=network.engine if device == CPU else "",
            seconds=time.perf_counter() - started,
            confidence=confidence,
            hint=hint_for(
                confidence,
                model,
                models_to_try(chosen),
                parameters.diameter if is_set else None,
                measured,
            ),
            measured_diameter=measured,
            notes=(
                *notes,
                *chosen,
                *unknown,
                *notes_on_volume(parameters, None),
                *notes_on_memory(counter, network),
                *([_RESUMED] if resumed else [_ANEW] if anew else []),
            ),
            device_name=device.name,
            threads=executor.threads,
            tile_size=network.tile,
            automatic=automatic,
            steps=steps_for(parameters, flows.scale),
            steps_needed=labels.steps_needed(),
            blocks=_blocks(flows, store, side, plan.overlap),
        )


def _blocks(
    flows: NetworkFlows,
    store: BlockFolder,
    side: tuple[int, int, int],
    overlap: int,
) -> Blocks:
    facts = [store.facts(group.key) for group in flows.groups]
    return Blocks(
        side=side,
        overlap=overlap,
        count=len(facts),
        skipped=sum(fact["box"] is None for fact in facts),
        tiles=sum(fact["tiles"] for fact in facts),
        skipped_tiles=sum(fact["empty"] for fact in facts),
    )


def _key(
    image: ImageSource,
    network: Network,
    parameters: SegmentationParameters,
    side: tuple[int, int, int],
) -> str:
    """Return what the state of a run is found by: all that its blocks depend on.

    What the user chose comes before the dot, and what it runs with behind it.
    """
    chosen = [
        image.fingerprint,
        image.scene,
        image.file_axes,
        image.shape,
        network.spec.sha256,
        network.precision,
        network.engine,
        network.device.name,
        # How many tiles a GPU runs at once does not change what they give.
        sorted(parameters.model_dump(mode="json", exclude={"batch_size"}).items()),
        side,
    ]
    # Another version may compute other last digits.
    version = [_GENERATION, sorted(versions(network.engine).items())]
    return f"{_digest(chosen)}.{_digest(version)}"


def _digest(content: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:24]


def _has_other_version(folder: Path, key: str) -> bool:
    """Return whether another version has left blocks of a run when it was stopped."""
    chosen, _ = key.split(".")
    return any(
        other.name != key and has_blocks(other) and owner_of(other) is None
        for other in folder.glob(f"{chosen}.*")
    )


def _refuse_full_disk(
    image: ImageSource,
    model: ModelSpec,
    parameters: SegmentationParameters,
    side: int,
    flows: NetworkFlows,
    folder: Path,
) -> None:
    """Raise `CannotSave` if the state of the run will not fit on the disk."""
    shown = 1.0
    # Each plane of a volume has tiles of three sides, and hardly any is empty.
    if flows.axes == 2 and parameters.region is None:
        wanted = sum(len(flows.wanted(group)) for group in flows.groups)
        shown = wanted / flows.count_tiles()
    needed = forecast(image, model, parameters, 0, side, shown=lambda: shown).disk
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise CannotSave(
            f"{image.name} needs up to {needed / 1e9:.1f} GB in {folder.parent} while "
            f"it is run in blocks, and {free / 1e9:.1f} GB are free.",
            "Free some space.",
        )
