"""Makes records of runs; works without torch, whose import may have failed."""

from __future__ import annotations

import hashlib
import platform
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ImageUnreadable, NotEnoughMemory
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.provenance.record import (
    BlocksRecord,
    ImageRecord,
    ModelRecord,
    RunRecord,
)
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.segmentation import Segmentation
from cellpose_studio.engine.versions import versions

_BAND = 2**24
"""Pixels that are read at once."""


def record_of(
    result: Segmentation, started: datetime, checkpoint: Checkpoint | None = None
) -> RunRecord:
    """Return the record of a run that finished.

    Reads the whole image once more, for its hash.

    Raises
    ------
    Cancelled
        After a stop of ``checkpoint``.
    """
    # A result implies that torch could be imported.
    from cellpose_studio.engine.device import cpu_capability

    return RunRecord(
        image=_image(
            result.image, hash_if_readable(result.image, checkpoint or Checkpoint())
        ),
        model=_model(result.model),
        parameters=result.parameters,
        automatic=result.automatic,
        measured_diameter=result.measured_diameter,
        device=result.device_name,
        device_title=result.device,
        precision=result.precision,
        threads=result.threads,
        engine=result.engine,
        tile_size=result.tile_size,
        steps=result.steps,
        steps_needed=result.steps_needed,
        blocks=BlocksRecord(**vars(result.blocks)) if result.blocks else None,
        versions=versions(result.engine),
        # The last digits of the network's output depend on the instruction set.
        platform=f"{platform.platform()}, CPU with {cpu_capability()}",
        started=started.astimezone(UTC),
        seconds=result.seconds,
        outcome="finished",
        notes=result.notes,
        cells=len(result.confidence.ids),
        masks_sha256=masks_sha256(result.labels),
    )


def unfinished_record(
    image: ImageSource,
    model: ModelSpec,
    parameters: SegmentationParameters,
    started: datetime,
    outcome: Literal["failed", "cancelled"],
    message: str,
) -> RunRecord:
    """Return the record of a run that failed or was cancelled; reads no pixels."""
    started = started.astimezone(UTC)
    return RunRecord(
        image=_image(image, ""),
        model=_model(model),
        parameters=parameters,
        versions=versions(),
        platform=platform.platform(),
        started=started,
        # The clock may have been set back in the meantime.
        seconds=max(0.0, (datetime.now(UTC) - started).total_seconds()),
        outcome=outcome,
        message=message,
    )


def pixels_sha256(image: ImageSource, checkpoint: Checkpoint | None = None) -> str:
    """Return the SHA-256 of all pixels, TCZYX, C order, little-endian.

    Raises
    ------
    ImageUnreadable, NotEnoughMemory
    Cancelled
    """
    digest = hashlib.sha256()
    height, width = image.shape[3:]
    # A plane may be larger than the memory. Rows are read together, as files have them.
    rows = max(1, _BAND // width)
    for t, c, z in np.ndindex(image.shape[:3]):
        for y in range(0, height, rows):
            if checkpoint is not None:
                checkpoint.check()
            band = slice(y, min(y + rows, height))
            one = (slice(t, t + 1), slice(c, c + 1), slice(z, z + 1))
            pixels = image.reader.read((*one, band, slice(0, width)))
            digest.update(_little_endian(pixels))
    return digest.hexdigest()


def masks_sha256(labels: npt.NDArray[np.uint32]) -> str:
    """Return the SHA-256 of masks as uint32, C order, little-endian."""
    return hashlib.sha256(
        _little_endian(labels.astype(np.uint32, copy=False))
    ).hexdigest()


def hash_if_readable(image: ImageSource, checkpoint: Checkpoint) -> str:
    """Return the SHA-256 of all pixels; empty if they can no longer be read."""
    try:
        return pixels_sha256(image, checkpoint)
    except (ImageUnreadable, NotEnoughMemory):
        return ""


def _little_endian(pixels: npt.NDArray[np.generic]) -> memoryview:
    # Computers of either byte order have to find the same hash.
    dtype = pixels.dtype.newbyteorder("<")
    return np.ascontiguousarray(pixels, dtype).reshape(-1).view(np.uint8).data


def _image(image: ImageSource, pixels: str) -> ImageRecord:
    return ImageRecord(
        name=image.name,
        # The record has to lead to the file from any working directory.
        path=str(image.path.absolute()),
        scene=image.scene,
        axes=image.file_axes,
        shape=image.shape,
        dtype=image.dtype.name,
        channel_names=image.channel_names,
        pixel_size_um=image.pixel_size_um,
        fingerprint=image.fingerprint,
        pixels_sha256=pixels,
    )


def _model(model: ModelSpec) -> ModelRecord:
    return ModelRecord(
        name=model.name,
        title=model.label,
        path=str(model.path),
        sha256=model.sha256,
        architecture=model.architecture,
        generation=model.architecture_info.generation,
        diam_mean=model.diam_mean,
        source=model.source,
    )
