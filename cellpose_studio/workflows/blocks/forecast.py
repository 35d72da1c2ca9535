"""What a run will need: memory and disk as a whole or in blocks, and time."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cellpose_studio.core.errors import NotEnoughMemory
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.architecture import (
    UNET_RESTORATION,
    ArchitectureInfo,
)
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.preparation.restore import Restore
from cellpose_studio.workflows.blocks.network_work import (
    NetworkWork,
    network_work,
    restoring_tiles,
    scale_of,
    seen_size,
    tile_overlap,
)

PLANE_SIDE = 2048
"""Side of a block of a plane, px."""

VOLUME_SIDE = 160
"""Side of a block of a volume, px."""

_BASE = 0.55e9
"""Bytes of the process before a run: torch, Cellpose, a network."""

_RESTORED = 0.8e9
"""Bytes of a network that restores the input, and of the tiles that are kept."""

_PER_PIXEL = 78
"""Bytes for each pixel of an image that is run as a whole, measured."""

_PER_BLOCK_PIXEL = 120
"""Bytes for each pixel of a block, measured."""

_OUTPUT_BYTES = 11.4
"""Bytes on disk of a pixel of the network's outputs, 10.5 to 10.9 measured: noise."""

_FLOW_BYTES = 2.5
"""Of one of the flows: where it ends, and its cell; 1.5 measured where cells touch."""

_LABEL_BYTES = 0.6
"""Of one of the masks; 0.3 measured where cells touch."""

_BLOCK_BYTES = 150e3
"""Of the files of a block, beside what is in them."""

_SURVEY_SECONDS = 0.1e-6
"""Of one thread that looks at a pixel of the image, estimated."""

_SECONDS_PER_PIXEL = 1.5e-6
"""Of one thread that makes masks from flows, and stores what it finds; estimated."""

_SHARE = 0.5
"""Of the free memory; a run that needs more is done in blocks."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a run will need.

    Attributes
    ----------
    side
        (Z, Y, X) of blocks; None if the image is run as a whole.
    memory, disk
        Bytes at most.
    seconds
        About how long it takes on this computer's processor.
    guessed
        Diameter that time and disk are for, px, where the run measures it.
    scheduler
        Of the cluster that runs the blocks; "" without one.
    """

    side: tuple[int, int, int] | None
    memory: int
    disk: int
    seconds: float
    guessed: float | None = None
    scheduler: str = ""


def free_memory() -> int:
    """Return how many bytes programs can take without swapping."""
    import psutil

    return int(psutil.virtual_memory().available)


def reason_whole(image: ImageSource, parameters: SegmentationParameters) -> str:
    """Return why an image cannot be run in blocks; "" if it can.

    A clause, for a sentence that says what follows.
    """
    region = parameters.region
    if region is not None and region.cell_at is not None:
        return "one cell may need another threshold"
    if region is not None and region.contrast == "region":
        return "a contrast of its own needs all of the region"
    if region is not None and parameters.do_3D:
        return "a region of a volume is seen from three sides"
    normalization = parameters.normalization
    if normalization.tile_norm_blocksize:
        return "normalising in tiles needs all of the image"
    if normalization.sharpen_radius or normalization.smooth_radius:
        return "sharpening and smoothing need all of the image"
    if parameters.stitch_threshold > 0 and image.planes > 1 and not parameters.do_3D:
        return "joining planes needs all of them"
    return ""


def refuse_large_region(
    image: ImageSource,
    parameters: SegmentationParameters,
    needed: Forecast,
    free: int,
) -> None:
    """Raise `NotEnoughMemory` if a region lies in an image too large for ``free``.

    The flows of a region have the size of the image, if it is not run in blocks.
    """
    # The process has its own memory already.
    more = needed.memory - _BASE
    if parameters.region is not None and needed.side is None and more > free:
        raise NotEnoughMemory(
            f"A run on a region of {image.name} takes as much memory as one on all of "
            f"it: {more / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free.",
            "Run on the whole image: in blocks, that needs less.",
        )


def block_side(
    parameters: SegmentationParameters, side: int | None = None
) -> tuple[int, int, int]:
    """Return (Z, Y, X) of blocks with a ``side`` in px; None for what is usual."""
    if parameters.do_3D:
        length = side or VOLUME_SIDE
        return (length, length, length)
    length = side or PLANE_SIDE
    return (1, length, length)


def forecast(
    image: ImageSource,
    model: ModelSpec,
    parameters: SegmentationParameters,
    free: int,
    side: int | None = None,
    may_be_whole: bool = True,
    shown: Callable[[], float] = lambda: 1.0,
) -> Forecast:
    """Return how an image is best run, and what that needs.

    Parameters
    ----------
    free
        Free memory, bytes.
    side
        Side of blocks, px: the image is run in blocks; 0 runs it as a whole. None
        chooses.
    may_be_whole
        Whether an image that fits into memory is run as a whole, which allows other
        thresholds later. Blocks need less memory.
    shown
        Returns the share of the tiles that show anything, for a run in blocks, which
        leaves the others out.
    """
    frames, _, z, y, x = image.shape
    pixels = frames * z * y * x
    axes = 3 if parameters.do_3D else 2
    inputs = max(1, len(parameters.channels))
    base = _BASE + (_RESTORED if _restoring(parameters) else 0)
    whole = int(base + pixels * (_PER_PIXEL + 8 * (inputs - 1) + 16 * (axes - 2)))
    sides = block_side(parameters, side)
    block = int(np.prod(np.minimum(sides, (z, y, x))))
    # Without blocks larger than the image, there is nothing to be gained.
    cut = any(n > m for n, m in zip((frames * z, y, x), sides, strict=True))
    small = y * x <= PLANE_SIDE**2 and whole < _SHARE * free
    keeps_whole = small or (may_be_whole and whole < _SHARE * free)
    whole_wanted = side == 0 or (side is None and keeps_whole)
    work = network_work(image, model, parameters)
    if reason_whole(image, parameters) or not cut or whole_wanted:
        seconds = _seconds(image, model, parameters, work, 1.0)
        return Forecast(side=None, memory=whole, disk=0, seconds=seconds)
    share = shown()
    memory = int(base + block * _PER_BLOCK_PIXEL + 8 * pixels / 100)
    return Forecast(
        side=sides,
        memory=memory,
        disk=int(_disk(image, model, parameters, work, sides) * share),
        seconds=_seconds(image, model, parameters, work, share),
        guessed=_guessed(model, parameters),
    )


def _disk(
    image: ImageSource,
    model: ModelSpec,
    parameters: SegmentationParameters,
    work: NetworkWork,
    sides: tuple[int, int, int],
) -> float:
    """Return the bytes that the state of a run in blocks takes."""
    frames, _, z, y, x = image.shape
    seen = seen_size(image, model, parameters)
    flows = (z, y, x) if parameters.resample else seen
    side = sides[1] * (
        1.0 if parameters.do_3D else min(1.0, scale_of(model, parameters))
    )
    # Groups of tiles are stored with what they share.
    shared = (1 + tile_overlap(model.architecture_info, parameters) / side) ** 2
    blocks = math.prod(
        math.ceil(n / m) for n, m in zip(image.shape[2:], sides, strict=True)
    )
    return work.outputs * shared * _OUTPUT_BYTES + work.share * frames * (
        math.prod(flows) * _FLOW_BYTES
        + z * y * x * _LABEL_BYTES
        + blocks * _BLOCK_BYTES
    )


def _guessed(model: ModelSpec, parameters: SegmentationParameters) -> float | None:
    """Return the diameter that stands for one that is measured in the run, px."""
    is_measured = model.architecture_info.scales_images and parameters.diameter is None
    return model.diam_labels if is_measured else None


def _seconds(
    image: ImageSource,
    model: ModelSpec,
    parameters: SegmentationParameters,
    work: NetworkWork,
    shown: float,
) -> float:
    """Return about how long a run takes on the processor."""
    frames, _, z, y, x = image.shape
    pixels = frames * z * y * x
    threads = os.cpu_count() or 1
    overlap = parameters.tile_overlap
    inputs = max(1, sum(c is not None for c in parameters.channels))
    restored = sum(
        pixels * step.scale**2 * (inputs if step.channel is None else 1)
        for step in _restoring(parameters)
    )
    tiles = restoring_tiles(restored, UNET_RESTORATION, overlap)
    share = shown * work.share
    return (
        work.tiles * shown * _tile_seconds(model.architecture_info)
        + tiles * _tile_seconds(UNET_RESTORATION)
        + pixels * (_SURVEY_SECONDS + share * _SECONDS_PER_PIXEL) / threads
    )


def _tile_seconds(known: ArchitectureInfo) -> float:
    """Return about how long the processor takes for a tile, with all threads."""
    threads = (os.cpu_count() or 1) if known.whole_tiles else 1
    return known.tile_seconds / threads


def _restoring(parameters: SegmentationParameters) -> list[Restore]:
    return [step for step in parameters.preparation if isinstance(step, Restore)]
