"""Repeats a run with the model, parameters, device and threads of its record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.provenance.record import ModelRecord, RunRecord
from cellpose_studio.core.runs.segmentation import Segmentation
from cellpose_studio.engine.device import CPU, Device, Engine, Precision, device_named
from cellpose_studio.engine.networks.catalogue import (
    from_file,
    refuse_unreadable,
    shipped,
)
from cellpose_studio.engine.threads import torch_threads, use_threads
from cellpose_studio.engine.versions import versions
from cellpose_studio.io.masks.mapped import empty_labels
from cellpose_studio.paths import find_model_file
from cellpose_studio.workflows.blocks.segment import segment_in_blocks
from cellpose_studio.workflows.segment import segment


def find_model(model: ModelRecord) -> ModelSpec:
    """Return the model of a run, identified by the SHA-256 of its weights.

    Raises
    ------
    ModelUnusable
        If it is missing, or its file now contains other weights.
    """
    # The weights are identified by their content, so they may have moved since.
    for spec in shipped():
        if spec.sha256 == model.sha256:
            return spec
    if model.source == "shipped":
        refuse_unreadable(model.name)
        raise ModelUnusable(
            f"{model.title} is now shipped with other weights than those of the run.",
            "Install the version of Cellpose Studio that the run was made with.",
        )
    path = Path(model.path)
    if not path.is_file():
        # A model of Cellpose's may be in another folder on this computer.
        path = find_model_file(path.name) or path
    if not path.is_file():
        raise ModelUnusable(
            f"The weights of {model.title} are no longer at {path}.",
            "Put the file back.",
        )
    spec = from_file(path)
    if spec.sha256 != model.sha256:
        raise ModelUnusable(
            f"{path} now contains other weights than those of the run.",
            f"The SHA-256 of the file has to be {model.sha256}.",
        )
    return spec


def run_again(
    image: ImageSource, record: RunRecord, checkpoint: Checkpoint
) -> tuple[Segmentation, tuple[str, ...]]:
    """Repeat the run of a record; return the result, and notes on what differs.

    Raises
    ------
    ModelUnusable
        As `find_model`.
    StudioError
        As `segment`.
    """
    model = find_model(record.model)
    device, notes = _device(record)
    given: dict[str, Any] = {
        "device": device,
        "precision": cast("Precision | None", record.precision or None),
        "engine": cast("Engine | None", record.engine_used or None),
    }
    common = (image, model, record.parameters, checkpoint)
    with _threads(record.threads):
        if record.blocks is None:
            result = segment(*common, **given)
        else:
            side = record.blocks.side
            with segment_in_blocks(*common, side, **given) as found:
                result = found.loaded(checkpoint.check, empty_labels)
    card = filter(None, [model.card_problem])
    return result, (*card, *notes, *result.notes, *_about_versions(record))


def _device(record: RunRecord) -> tuple[Device, tuple[str, ...]]:
    try:
        device = device_named(record.device or "auto")
    except ModelUnusable:
        note = f"The run used {record.device_title}; this time the CPU was used."
        return CPU, (note,)
    if record.device_title not in ("", device.title):
        note = f"The run used {record.device_title}; this time it was {device.title}."
        return device, (note,)
    return device, ()


@contextmanager
def _threads(threads: int | None) -> Iterator[None]:
    # The number of threads is that of the process, so later runs would inherit it.
    before = torch_threads()
    use_threads(threads)
    try:
        yield
    finally:
        use_threads(before)


def _about_versions(record: RunRecord) -> Iterator[str]:
    now = versions(record.engine)
    other = [
        f"{name} {then} (now {now.get(name, 'not installed')})"
        for name, then in record.versions.items()
        if now.get(name) != then
    ]
    if other:
        yield f"The run was made with other versions: {', '.join(other)}."
