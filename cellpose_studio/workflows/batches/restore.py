"""Restores images, and writes them as OME-TIFF with what they were made by."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave, ParametersUnfit
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.restoration import (
    UPSAMPLING,
    RestorationParameters,
    enlargement,
)
from cellpose_studio.engine.device import CPU, Device, device_named
from cellpose_studio.engine.device_memory import on_cpu_if_full
from cellpose_studio.engine.flows.restore import (
    count_restoring_tiles,
    restore,
    restored_size,
)
from cellpose_studio.engine.flows.tiles import TileCounter
from cellpose_studio.engine.networks.catalogue import find_restoring
from cellpose_studio.engine.networks.network import NetworkCache
from cellpose_studio.engine.versions import version_of
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.masks.exchange.ome.tiff import ome_tiff_options
from cellpose_studio.io.masks.export_target import IfExists
from cellpose_studio.workflows.batches.export_names import ExportNames
from cellpose_studio.workflows.save import make_folder

_RESTORED = "_restored.ome.tif"
"""End of the name of a restored image."""


@dataclass(frozen=True, kw_only=True)
class Restoring:
    """Which network restores which channel.

    Attributes
    ----------
    channel
        1 is the first.
    beside_cells
        Whether it shows nuclei, of an image whose diameter is that of whole cells.
    """

    channel: int
    model: ModelSpec
    beside_cells: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class RestoredImage:
    """The result.

    Attributes
    ----------
    pixels
        (T, C, Z, Y, X), 0 and 1 at the percentiles; the channels that were restored.
    ratio
        How many times as wide as the image it is.
    notes
        For the user, one sentence each.
    """

    image: ImageSource
    channels: tuple[Restoring, ...]
    parameters: RestorationParameters
    pixels: npt.NDArray[np.float32]
    ratio: float
    device: Device
    seconds: float
    notes: tuple[str, ...]


class RestorationBatch:
    """Restores images one after the other, and writes them.

    Parameters
    ----------
    model, nuclei_model
        Names or weight files; for the channel of nuclei, None for the same.
    channels
        To be restored, 1 is the first; None for all.
    nuclei
        The channel of nuclei beside cells; None for none.
    folder
        For the results; None for that of each image.

    Raises
    ------
    ModelUnusable, CannotSave
        If the batch cannot start.
    """

    def __init__(
        self,
        model: str,
        parameters: RestorationParameters,
        device: str,
        folder: Path | None,
        channels: Sequence[int] | None = None,
        nuclei: int | None = None,
        nuclei_model: str | None = None,
        if_exists: IfExists = "refuse",
    ) -> None:
        self._model = find_restoring(model)
        self._nuclei_model = find_restoring(nuclei_model or model)
        self._parameters = parameters
        self._device = device_named(device)
        self._channels = channels
        self._nuclei = nuclei
        self._if_exists = if_exists
        self._names = ExportNames(folder)
        self._networks = NetworkCache()
        if folder is not None:
            make_folder(folder)

    def path(self, image: ImageSource) -> Path:
        """Return where the result of an image goes.

        Images that are asked for first get their names first.
        """
        base = self._names.base(image)
        return base.with_name(f"{base.name}{_RESTORED}")

    def run(self, image: ImageSource, checkpoint: Checkpoint) -> RestoredImage | None:
        """Restore and write an image; None where it is, and such images are left out.

        Raises
        ------
        StudioError
            If it fails; the next image can still be restored.
        """
        path = self.path(image)
        if path.exists() and self._if_exists != "replace":
            if self._if_exists == "skip":
                return None
            raise CannotSave(
                f"{path} exists already.", "Add --overwrite or --skip-existing."
            )
        chosen = self._chosen(image)
        found = restore_image(
            image, chosen, self._parameters, checkpoint, self._device, self._networks
        )
        write_restored(found, path)
        self._names.write_list(path.parent)
        return found

    def _chosen(self, image: ImageSource) -> list[Restoring]:
        chosen = [
            Restoring(channel=channel, model=self._model)
            for channel in self._channels or range(1, image.channels + 1)
            if channel != self._nuclei
        ]
        if self._nuclei is not None:
            chosen.append(
                Restoring(
                    channel=self._nuclei, model=self._nuclei_model, beside_cells=True
                )
            )
        return chosen


def is_restored(path: Path) -> bool:
    """Return whether a file is a result, by its name."""
    return path.name.endswith(_RESTORED)


def restore_image(
    image: ImageSource,
    channels: Sequence[Restoring],
    parameters: RestorationParameters,
    checkpoint: Checkpoint,
    device: Device = CPU,
    networks: NetworkCache | None = None,
) -> RestoredImage:
    """Restore channels of an image.

    If the memory of the device is too small, the CPU is used instead, and ``notes``
    says so.

    Raises
    ------
    ImageUnreadable, ModelUnusable, ParametersUnfit
        With a sentence for the user.
    Cancelled
        After a stop.
    """
    started = time.perf_counter()
    notes = _notes(image, channels, parameters)
    networks = networks or NetworkCache()

    def pixels_by(
        device: Device, *full: str
    ) -> tuple[npt.NDArray[np.float32], Device, tuple[str, ...]]:
        found = _pixels(image, channels, parameters, checkpoint, device, networks)
        return found, device, full

    pixels, device, full = on_cpu_if_full(pixels_by, device)
    first = channels[0].model
    return RestoredImage(
        image=image,
        channels=tuple(channels),
        parameters=parameters,
        pixels=pixels,
        ratio=enlargement(first.path.name, first.diam_mean, parameters.diameter),
        device=device,
        seconds=time.perf_counter() - started,
        notes=(*notes, *full),
    )


def write_restored(restored: RestoredImage, path: Path) -> None:
    """Write a restored image with its axes, names of channels and sizes of pixels.

    Its description is JSON: models with their hashes, parameters, versions.

    Raises
    ------
    CannotSave
    """
    image, ratio = restored.image, restored.ratio
    z, y, x = image.pixel_size_um
    sizes = (z, y and y / ratio, x and x / ratio)
    options = ome_tiff_options(replace(image, pixel_size_um=sizes))
    names = [image.channel_names[one.channel - 1] for one in restored.channels]
    options["metadata"] |= {
        "axes": "TCZYX",
        "Channel": {"Name": names},
        "Description": json.dumps(_description(restored), ensure_ascii=False),
    }
    with replacing(path) as part:
        tifffile.imwrite(part, restored.pixels, **options)


def _description(restored: RestoredImage) -> dict[str, Any]:
    return {
        "image": restored.image.path.name,
        "scene": restored.image.scene,
        "restored": [
            {
                "channel": one.channel,
                "model": one.model.name,
                "sha256": one.model.sha256,
                "diam_mean": one.model.diam_mean,
                "beside_cells": one.beside_cells,
            }
            for one in restored.channels
        ],
        "parameters": restored.parameters.model_dump(),
        "device": restored.device.title,
        "seconds": round(restored.seconds, 2),
        "notes": restored.notes,
        "versions": {
            name: version_of(name) for name in ("cellpose-studio", "cellpose", "torch")
        },
    }


def _notes(
    image: ImageSource,
    channels: Sequence[Restoring],
    parameters: RestorationParameters,
) -> tuple[str, ...]:
    """Return what the user should know before; refuse channels that do not exist."""
    for one in channels:
        if not 1 <= one.channel <= image.channels:
            raise ParametersUnfit(
                f"{image.name} has no channel {one.channel}: it has {image.channels}.",
                "Choose another channel.",
            )
    sizes = {restored_size(one.model, parameters, image.shape[3:]) for one in channels}
    if len(sizes) > 1:
        raise ParametersUnfit(
            "These networks enlarge the image by different factors.",
            "Restore the channels one by one.",
        )
    model = channels[0].model
    if UPSAMPLING in model.path.name and sizes == {image.shape[3:]}:
        return (
            f"{model.label} did not enlarge {image.name}: it enlarges images with "
            f"cells of 3 to {model.diam_mean:g} px, if their diameter is given.",
        )
    return ()


def _pixels(
    image: ImageSource,
    channels: Sequence[Restoring],
    parameters: RestorationParameters,
    checkpoint: Checkpoint,
    device: Device,
    networks: NetworkCache,
) -> npt.NDArray[np.float32]:
    size = restored_size(channels[0].model, parameters, image.shape[3:])
    shape = (image.frames, len(channels), image.planes, *size)
    pixels = np.empty(shape, np.float32)
    for n, one in enumerate(channels):
        checkpoint.reached(0, 0, "loading the model")
        network = networks.get(one.model, device, checkpoint.check)
        beside = one.beside_cells
        tiles = count_restoring_tiles(network, image.shape[2:], parameters, beside)
        counter = TileCounter(checkpoint, image.frames * tiles)
        for t in range(image.frames):
            counter.add(0)
            stack = image.volume(t, [one.channel - 1])[0]
            pixels[t, n] = restore(network, stack, parameters, counter, beside)
    return pixels
