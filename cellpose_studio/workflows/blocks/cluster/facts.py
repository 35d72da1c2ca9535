"""What a worker says of itself before a run."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.models.architecture import ARCHITECTURES
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.engine.device import (
    Device,
    Precision,
    available_devices,
    gpu_id,
    precision_for,
)
from cellpose_studio.io.processes import host_name
from cellpose_studio.workflows.blocks.cluster.models import model_here
from cellpose_studio.workflows.blocks.plan import ImagePlace

PROBE = "probe"


@dataclass(frozen=True, kw_only=True)
class Question:
    """What workers are to look for.

    Attributes
    ----------
    folders
        Each with a file named `PROBE` that has this ``token``.
    """

    token: str
    folders: tuple[Path, ...] = ()
    model: ModelSpec | None = None
    place: ImagePlace | None = None


@dataclass(frozen=True, kw_only=True)
class WorkerFacts:
    """What a worker is, and what it sees.

    Attributes
    ----------
    host
        Of its computer, as `host_name`.
    cores
        How many processor cores it may use.
    devices
        What runs networks, the fastest first.
    gpu
        What the graphics card is known by; "" without one.
    precisions
        That are fastest, by the name of the device and the architecture.
    unseen
        Folders in which it does not see what the client has written, or cannot write.
    answers
        Files that it has written, one in each other folder.
    problems
        What is wrong with the model and the image, each a sentence.
    """

    host: str
    cores: int
    devices: tuple[Device, ...]
    gpu: str
    precisions: dict[tuple[str, str], Precision]
    unseen: tuple[Path, ...]
    answers: tuple[Path, ...]
    problems: tuple[str, ...]


def look(question: Question) -> WorkerFacts:
    """Return the facts of this worker."""
    devices = tuple(available_devices())
    found = {one: _answer(one, question.token) for one in question.folders}
    answers = tuple(answer for answer in found.values() if answer)
    return WorkerFacts(
        host=host_name(),
        cores=_cores(),
        devices=devices,
        gpu=gpu_id(devices[0]),
        precisions={
            (device.name, name): precision_for(name, device)
            for device in devices
            for name in ARCHITECTURES
        },
        unseen=tuple(folder for folder, answer in found.items() if not answer),
        answers=answers,
        problems=tuple(_problems(question)),
    )


def _answer(folder: Path, token: str) -> Path | None:
    """Return a file that this worker has written for the client, if it can."""
    answer = folder / f"{PROBE}-{token}-{secrets.token_hex(4)}"
    try:
        if (folder / f"{PROBE}-{token}").read_text("ascii") != token:
            return None
        answer.write_text(token, "ascii")
    except (OSError, ValueError):
        return None
    return answer


def _problems(question: Question) -> list[str]:
    found = []
    try:
        if question.model is not None:
            model_here(question.model)
        if question.place is not None:
            question.place.open()
    except StudioError as error:
        found.append(error.message)
    return found


def _cores() -> int:
    """Return how many cores this process may use, as jobs may have a part only."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
