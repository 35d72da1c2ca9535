"""Trains a model on folders of images and masks."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import TrainingSetUnfit
from cellpose_studio.core.models.card import TrainingData, UnusedFiles
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.models.training import TrainingParameters, finetuning
from cellpose_studio.core.models.training_set import TrainingPair
from cellpose_studio.core.wording import counted, first_names
from cellpose_studio.engine.device import CPU, Device
from cellpose_studio.engine.threads import torch_threads
from cellpose_studio.engine.training.request import Report
from cellpose_studio.paths import real_path
from cellpose_studio.workflows.training.model_file import refuse_unwritable
from cellpose_studio.workflows.training.train_model import (
    ModelRequest,
    TrainedModel,
    train_model,
)
from cellpose_studio.workflows.training.training_images import (
    ROLES,
    Found,
    files_left_out,
    folder_pairs,
    training_files,
    unused_files,
)

_MOST_NAMES = 10


def train_on_folders(
    folders: Sequence[Path],
    out: Path,
    parameters: TrainingParameters,
    checkpoint: Checkpoint,
    report: Report,
    split: Path | None = None,
    whole: Sequence[Path] = (),
    resume: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    parent: ModelSpec | None = None,
    device: Device = CPU,
) -> TrainedModel:
    """Train on ``folders`` and write the weights to ``out``.

    Each folder contains images and their masks: ``image.tif`` and
    ``image_masks.tif``. ``split`` is a CSV table with the columns ``file`` (relative
    to the table) and ``split``: rows of ``train`` are used for training, rows of
    ``validation`` for validation only, all others are ignored. Without a table, every
    image is used for training; so are all images in the folders of ``whole``. ``tell``
    gets a sentence for each kind of files that are left out, before the training
    starts. ``parent`` is the model that is trained further; None starts from scratch.

    Now and then the state is saved next to ``out``. With ``resume``, an interrupted
    training continues from it, with the same result.

    Raises
    ------
    TrainingSetUnfit
        If there is nothing to train on, or the saved state does not fit.
    ImageUnreadable, MasksUnreadable, CannotSave, ModelUnusable, DeviceFull
    """
    refuse_unwritable(out, parent)
    count = len(folders) + len(whole)
    if len(parameters.shares) not in (0, count):
        raise TrainingSetUnfit(
            f"There are {len(parameters.shares)} shares for {count} folders.",
            "Give one share for each folder.",
        )
    files = training_files(folders, split, whole)
    if not files["train"]:
        raise TrainingSetUnfit(
            "There is no image with masks to train on.",
            "Put image.tif and image_masks.tif into one folder.",
        )
    sets = {
        role: folder_pairs(files[role], role, parameters.shares, checkpoint)
        for role in ROLES
    }
    seen = _data([*folders, *whole], files["train"], sets["train"], parameters)
    data = _with_left_out(seen, files_left_out(folders, split, whole))
    for sentence in _sentences(data):
        tell(sentence)
    request = ModelRequest(
        pairs=[*sets["train"], *sets["validation"]],
        out=out,
        parameters=parameters,
        parent=parent,
        device=device,
        resume=resume,
        data=data,
        command=_command(folders, out, parameters, split, whole, parent),
        tell=tell,
    )
    return train_model(request, checkpoint, report)


def _data(
    folders: Sequence[Path],
    files: Sequence[Found],
    pairs: Sequence[TrainingPair],
    parameters: TrainingParameters,
) -> tuple[TrainingData, ...]:
    """Return the images and cells of each folder that are trained on."""
    fewest, data = parameters.min_train_masks, []
    for n, folder in enumerate(folders):
        own = [p for found, p in zip(files, pairs, strict=True) if found[2] == n]
        used = [pair for pair in own if pair.cells >= fewest]
        few = [pair.name for pair in own if pair.cells < fewest]
        reason = f"with fewer than {fewest} cells" if fewest > 1 else "without cells"
        data.append(
            TrainingData(
                name=real_path(folder).name,
                images=len(used),
                cells=sum(pair.cells for pair in used),
                left_out=unused_files((reason, few)),
            )
        )
    return tuple(data)


def _with_left_out(
    data: Sequence[TrainingData], more: Sequence[tuple[UnusedFiles, ...]]
) -> tuple[TrainingData, ...]:
    return tuple(
        folder.model_copy(update={"left_out": (*folder.left_out, *others)})
        for folder, others in zip(data, more, strict=True)
    )


def _sentences(data: Sequence[TrainingData]) -> Iterator[str]:
    for folder in data:
        for group in folder.left_out:
            rest = "more, which the model card names"
            names = first_names(group.files, _MOST_NAMES, rest)
            files = counted(len(group.files), "file")
            yield f"{folder.name}: {files} left out, {group.reason}: {names}"


def _command(
    folders: Sequence[Path],
    out: Path,
    parameters: TrainingParameters,
    split: Path | None,
    whole: Sequence[Path],
    parent: ModelSpec | None,
) -> str:
    """Return the command that trains this model, with file names without folders."""
    words = ["cellpose-studio", "train", *(real_path(f).name for f in folders)]
    if split:
        words += ["--split", split.name]
    if whole:
        words += ["--whole", *(real_path(f).name for f in whole)]
    if parent is not None:
        words += ["--model", parent.name]
    defaults = [TrainingParameters()]
    if parent is not None:
        # Its training begins with others, which a reader of the card may not know.
        defaults.append(finetuning(parent.architecture_info))
    for name in TrainingParameters.model_fields:
        value = getattr(parameters, name)
        if any(value != getattr(one, name) for one in defaults):
            values = value if isinstance(value, tuple) else (value,)
            option = name.replace("_", "-")
            if isinstance(value, bool):
                words.append(f"--{'' if value else 'no-'}{option}")
                continue
            words += [f"--{option}", *map(str, values)]
    # The weights are only the same with the same number of threads.
    threads = ["--threads", str(torch_threads())]
    return shlex.join([*words, *threads, "--out", out.name])
