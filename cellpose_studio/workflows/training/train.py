"""Trains a model on folders of images and masks."""

from __future__ import annotations

import hashlib
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave, TrainingSetUnfit
from cellpose_studio.core.masks.labels import cell_count
from cellpose_studio.core.models.card import ModelCard, TrainingData, UnusedFiles
from cellpose_studio.core.models.training import TrainingImage, TrainingParameters
from cellpose_studio.engine.networks.model_card import card_path, card_text, machine
from cellpose_studio.engine.networks.network import style_of
from cellpose_studio.engine.networks.size_model import (
    SizeModel,
    fit_size_model,
    save_size_model,
    size_model_path,
)
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.networks.weights import inspect, save_weights
from cellpose_studio.engine.threads import torch_threads
from cellpose_studio.engine.training.augmentation import normalized_input
from cellpose_studio.engine.training.dataset import diameter_of, with_inputs
from cellpose_studio.engine.training.state import (
    TrainingState,
    load_state,
    save_state,
)
from cellpose_studio.engine.training.trainer import Report, has_enough_cells, train
from cellpose_studio.engine.versions import versions
from cellpose_studio.io.atomic import replacing
from cellpose_studio.paths import can_write_in, real_path
from cellpose_studio.workflows.training.training_images import (
    ROLES,
    Found,
    files_left_out,
    read_training_images,
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
) -> tuple[int, int]:
    """Train on ``folders`` and write the weights to ``out``.

    Each folder contains images and their masks: ``image.tif`` and
    ``image_masks.tif``. ``split`` is a CSV table with the columns ``file`` (relative
    to the table) and ``split``: rows of ``train`` are used for training, rows of
    ``validation`` for validation only, all others are ignored. Without a table, every
    image is used for training; so are all images in the folders of ``whole``. Returns
    the number of images of both kinds that were used. ``tell`` gets a sentence for each
    kind of files that are left out, before the training starts.

    Every ten epochs the state is saved next to ``out``. With ``resume``, an
    interrupted training continues from it, with the same result.

    Raises
    ------
    TrainingSetUnfit
        If there is nothing to train on, or the saved state does not fit.
    ImageUnreadable, MasksUnreadable, CannotSave
        If a file cannot be read or written.
    """
    # Training takes long, so what would prevent saving is found out before.
    if out.is_dir():
        raise CannotSave(f"{out} is a folder.", "Give the name of a weight file.")
    if not out.parent.is_dir():
        raise CannotSave(f"There is no folder {out.parent}.", "Choose another one.")
    if not can_write_in(out.parent):
        raise CannotSave(
            f"The folder {real_path(out.parent)} cannot be written to.",
            "Choose another one.",
        )
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
        role: read_training_images(files[role], parameters.shares, checkpoint)
        for role in ROLES
    }
    data = _data([*folders, *whole], files["train"], sets["train"], parameters)
    data = _with_left_out(data, files_left_out(folders, split, whole))
    for sentence in _sentences(data):
        tell(sentence)
    state = _State(out, _training_id(sets["train"], parameters), resume)
    net = train(
        sets["train"],
        sets["validation"],
        parameters,
        checkpoint,
        report,
        state.start,
        state.keep,
    )
    sizes = _size_model(net, sets["train"], parameters, checkpoint)
    with replacing(out) as part:
        save_weights(net, part)
    if sizes is not None:
        with replacing(size_model_path(out)) as part:
            save_size_model(sizes, part)
    card = ModelCard(
        data=data,
        command=_command(folders, out, parameters, split, whole),
        seed=parameters.seed,
        minutes=round(state.seconds / 60, 1),
        machine=machine(),
        versions=versions(),
        date=datetime.now(UTC).date().isoformat(),
    )
    # The card belongs to the file as it was written, so its weights are read again.
    spec = inspect(out).model_copy(update={"card": card})
    with replacing(card_path(out)) as part:
        part.write_text(card_text(spec), encoding="utf-8")
    # The training can be resumed until all of its files are written.
    state.path.unlink(missing_ok=True)
    return sum(folder.images for folder in data), len(sets["validation"])


def _size_model(
    net: UNet,
    images: Sequence[TrainingImage],
    parameters: TrainingParameters,
    checkpoint: Checkpoint,
) -> SizeModel | None:
    """Return the size model of ``net``.

    None if there are no cells to fit it to.
    """
    checkpoint.reached(0, 0, "learning the diameter")
    sizes = [(image, diameter_of(image.labels)) for image in images]
    known = [(image, diameter) for image, diameter in sizes if diameter is not None]
    if not known:
        return None
    inputs = [
        with_inputs(normalized_input(i.pixels), parameters.widths[0]) for i, _ in known
    ]
    return fit_size_model(
        [seen.transpose(1, 2, 0) for seen in inputs],
        [diameter for _, diameter in known],
        partial(style_of, net),
        parameters.diam_mean,
        checkpoint.check,
    )


def _data(
    folders: Sequence[Path],
    files: Sequence[Found],
    images: Sequence[TrainingImage],
    parameters: TrainingParameters,
) -> tuple[TrainingData, ...]:
    """Return the images and cells of each folder that are trained on."""
    data = []
    for n, folder in enumerate(folders):
        pairs = zip(files, images, strict=True)
        own = [image for found, image in pairs if found[2] == n]
        used = [image for image in own if has_enough_cells(image, parameters)]
        few = [i.name for i in own if not has_enough_cells(i, parameters)]
        reason = f"with fewer than {parameters.min_train_masks} cells"
        data.append(
            TrainingData(
                name=real_path(folder).name,
                images=len(used),
                cells=sum(cell_count(image.labels) for image in used),
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
            count = len(group.files)
            names = ", ".join(group.files[:_MOST_NAMES])
            rest = count - _MOST_NAMES
            more = f" and {rest} more, which the model card names" if rest > 0 else ""
            files = f"{count} file{'s' * (count > 1)}"
            yield f"{folder.name}: {files} left out, {group.reason}: {names}{more}"


def _command(
    folders: Sequence[Path],
    out: Path,
    parameters: TrainingParameters,
    split: Path | None,
    whole: Sequence[Path],
) -> str:
    """Return the command that trains this model, with file names without folders."""
    words = ["cellpose-studio", "train", *(real_path(f).name for f in folders)]
    if split:
        words += ["--split", split.name]
    if whole:
        words += ["--whole", *(real_path(f).name for f in whole)]
    for name, field in TrainingParameters.model_fields.items():
        value = getattr(parameters, name)
        if value != field.default:
            values = value if isinstance(value, tuple) else (value,)
            words += [f"--{name.replace('_', '-')}", *map(str, values)]
    # The weights are only the same with the same number of threads.
    threads = ["--threads", str(torch_threads())]
    return shlex.join([*words, *threads, "--out", out.name])


class _State:
    """The file from which an interrupted training is resumed."""

    def __init__(self, out: Path, training: str, resume: bool) -> None:
        self.path = out.with_name(f"{out.name}.resume")
        self._training = training
        self._begun = time.monotonic()
        self.start: TrainingState | None = None
        if resume and self.path.is_file():
            self.start, seconds = load_state(self.path, training)
            # An earlier beginning accounts for the time before the interruption.
            self._begun -= seconds

    @property
    def seconds(self) -> float:
        """Duration of the training, without interruptions."""
        return time.monotonic() - self._begun

    def keep(self, state: TrainingState) -> None:
        with replacing(self.path) as part:
            save_state(state, self._training, self.seconds, part)


def _training_id(
    images: Sequence[TrainingImage], parameters: TrainingParameters
) -> str:
    """Return a hash of the images and parameters of a training."""
    # Other images or parameters would not continue the same training.
    digest = hashlib.sha256(parameters.model_dump_json().encode())
    for image in images:
        digest.update(image.pixels.tobytes())
        digest.update(image.labels.tobytes())
    return digest.hexdigest()
