"""Recipe of a run as a command line."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from cellpose_studio.core.provenance.hand_work import NO_HAND_WORK, HandWork
from cellpose_studio.core.provenance.record import ModelRecord, RunRecord
from cellpose_studio.core.recipes.changed import changed_parameters
from cellpose_studio.core.recipes.edits import hand_work_sentences
from cellpose_studio.core.runs.region import Region


def as_command(
    record: RunRecord,
    hand: HandWork = NO_HAND_WORK,
    windows: bool = sys.platform == "win32",
) -> str:
    """Return the command that reproduces the masks of the run.

    It is quoted for cmd.exe with ``windows``, otherwise for a POSIX shell. A comment
    tells what was done by hand.
    """
    words = ["cellpose-studio", "segment", *arguments(record)]
    # Windows quotes arguments by other rules than a POSIX shell.
    command = subprocess.list2cmdline(words) if windows else shlex.join(words)
    comment = "rem" if windows else "#"
    notes = [f"{comment} {note}" for note in hand_work_sentences(hand)]
    return "\n".join([command, *notes])


def arguments(record: RunRecord) -> Iterator[str]:
    """Yield the arguments of ``cellpose-studio segment``, the image first.

    Values are attached with "=", so that a negative one is not parsed as an option.
    """
    image = record.image
    yield image.path
    yield f"--model={model_name(record.model)}"
    if image.scene:
        yield f"--scene={image.scene}"
    if image.axes != "YX":
        yield f"--axes={image.axes}"
    for name, value in changed_parameters(record.parameters).items():
        if isinstance(value, Region):
            yield from _region_options(value)
        elif name == "postprocessing":
            continue
        elif name == "preparation":
            yield from (f"--prepare={step.text}" for step in value)
        else:
            yield from _option(name, value)
    given = {
        # Without it, the command cleans cells of models that ship.
        "postprocessing": record.parameters.postprocessing,
        "device": record.device,
        "precision": record.precision,
        "threads": record.threads,
        "engine": record.engine_used,
        "block-size": record.blocks.side[1] if record.blocks else None,
    }
    for name, value in given.items():
        if value:
            yield f"--{name}={value}"


def model_name(model: ModelRecord) -> str:
    """Return how to refer to the model: a shipped one by its name, others by path."""
    return model.name if model.source == "shipped" else model.path


def _region_options(region: Region) -> Iterator[str]:
    yield f"--region={_numbers(at for point in region.points for at in point)}"
    if region.frame is not None:
        yield f"--region-frame={region.frame}"
    if region.plane is not None:
        yield f"--region-plane={region.plane}"
    if region.contrast != "image":
        yield f"--region-contrast={region.contrast}"
    # The threshold at which a cell was found is found again.
    if region.cell_at is not None:
        plane = "" if region.cell_plane is None else f",{region.cell_plane}"
        yield f"--region-cell={_numbers(region.cell_at)}{plane}"


def _numbers(values: Iterable[float]) -> str:
    return ",".join(str(int(n)) if n.is_integer() else repr(n) for n in values)


def _option(name: str, value: Any) -> Iterator[str]:
    option = name.replace("_", "-")
    if isinstance(value, bool):
        yield f"--{option}" if value else f"--no-{option}"
    elif isinstance(value, tuple):
        yield f"--{option}"
        yield from ("none" if part is None else str(part) for part in value)
    else:
        yield f"--{option}={value}"
