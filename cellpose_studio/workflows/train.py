"""Train a model on folders of images and masks."""

from __future__ import annotations

import csv
import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import AxesAmbiguous, CannotSave, TrainingSetUnfit
from cellpose_studio.core.training import TrainingImage, TrainingParameters
from cellpose_studio.engine.training import Report, train
from cellpose_studio.engine.training_state import (
    TrainingState,
    load_state,
    save_state,
)
from cellpose_studio.engine.weights import save_weights
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.folders import is_found_path, scan
from cellpose_studio.io.images import open_images
from cellpose_studio.io.masks import read_masks

ROLES = ("train", "validation")


def train_on_folders(
    folders: Sequence[Path],
    out: Path,
    parameters: TrainingParameters,
    checkpoint: Checkpoint,
    report: Report,
    split: Path | None = None,
    whole: Sequence[Path] = (),
    resume: bool = False,
) -> tuple[int, int]:
    """Train on ``folders`` and write the weights to ``out``.

    Each folder holds images and, beside each, its masks: ``image.tif`` and
    ``image_masks.tif``. ``split`` is a CSV table with the columns ``file`` (relative
    to the table) and ``split``: rows of ``train`` are trained on, rows of
    ``validation`` only measured, all others left alone. Without it every image is
    trained on, and in the folders of ``whole`` in any case. Returns the number of
    images of both kinds.

    Every ten epochs the state is kept beside ``out``. With ``resume``, a training
    that was broken off goes on from there; the result is the same.

    Raises
    ------
    TrainingSetUnfit
        If there is nothing to train on, or nothing to go on from.
    ImageUnreadable, MasksUnreadable, CannotSave
        As the files make it necessary.
    """
    if out.is_dir():
        raise CannotSave(f"{out} is a folder.", "Give the name of a weight file.")
    if not out.parent.is_dir():
        raise CannotSave(f"There is no folder {out.parent}.", "Choose another one.")
    count = len(folders) + len(whole)
    if len(parameters.shares) not in (0, count):
        raise TrainingSetUnfit(
            f"There are {len(parameters.shares)} shares for {count} folders.",
            "Give one share for each folder.",
        )
    files = _files(folders, split, whole)
    if not files["train"]:
        raise TrainingSetUnfit(
            "There is no image with masks to train on.",
            "Put image.tif and image_masks.tif into one folder.",
        )
    sets = {role: _read(files[role], parameters, checkpoint) for role in ROLES}
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
    with replacing(out) as part:
        save_weights(net, part)
    state.path.unlink()
    return len(sets["train"]), len(sets["validation"])


class _State:
    """The file from which a training that was broken off can go on."""

    def __init__(self, out: Path, training: str, resume: bool) -> None:
        self.path = out.with_name(f"{out.name}.resume")
        self._training = training
        self._begun = time.monotonic()
        self.start: TrainingState | None = None
        if resume and self.path.is_file():
            self.start, seconds = load_state(self.path, training)
            self._begun -= seconds

    @property
    def seconds(self) -> float:
        """How long the training has taken, breaks left out."""
        return time.monotonic() - self._begun

    def keep(self, state: TrainingState) -> None:
        with replacing(self.path) as part:
            save_state(state, self._training, self.seconds, part)


def _training_id(
    images: Sequence[TrainingImage], parameters: TrainingParameters
) -> str:
    """Return what tells a training on these images from every other one."""
    digest = hashlib.sha256(parameters.model_dump_json().encode())
    for image in images:
        digest.update(np.ascontiguousarray(image.pixels))
        digest.update(np.ascontiguousarray(image.labels))
    return digest.hexdigest()


def _files(
    folders: Sequence[Path], split: Path | None, whole: Sequence[Path]
) -> dict[str, list[tuple[Path, Path, int]]]:
    """Return (image, masks, which folder) of each role, in the order of the folders."""
    roles = _roles(split) if split else None
    files: dict[str, list[tuple[Path, Path, int]]] = {role: [] for role in ROLES}
    for n, folder in enumerate([*folders, *whole]):
        table = roles if n < len(folders) else None
        for entry in scan(folder):
            role = "train" if table is None else table.get(entry.image.resolve())
            # What a model found is nothing to learn from.
            true = [path for path in entry.masks if not is_found_path(path)]
            if true and role in files:
                files[role].append((entry.image, true[0], n))
    return files


def _roles(split: Path) -> dict[Path, str]:
    try:
        # Excel puts a mark before the first column.
        with split.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, restval=""))
        return {(split.parent / r["file"]).resolve(): r["split"] for r in rows}
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise TrainingSetUnfit(
            f"{split.name} cannot be read as a table of files and splits.",
            "It needs the columns file and split.",
        ) from error


def _read(
    files: Sequence[tuple[Path, Path, int]],
    parameters: TrainingParameters,
    checkpoint: Checkpoint,
) -> list[TrainingImage]:
    of_folder = Counter(folder for _, _, folder in files)
    images = []
    for n, (image, masks, folder) in enumerate(files):
        checkpoint.reached(n, len(files), "reading")
        shares = parameters.shares
        share = shares[folder] / of_folder[folder] if shares else 1.0
        images.append(_pair(image, masks, share))
    return images


def _pair(image: Path, masks: Path, share: float) -> TrainingImage:
    """Read one image with all its channels."""
    try:
        source = open_images(image)[0]
    except AxesAmbiguous as ambiguous:
        raise TrainingSetUnfit(
            ambiguous.message, "Training takes single planes."
        ) from ambiguous
    labels = read_masks(masks).labels
    if labels.ndim != 2 or source.label_shape != labels.shape:
        raise TrainingSetUnfit(
            f"{image.name} has the shape {source.label_shape}, but {masks.name} has "
            f"{labels.shape}.",
            "Training takes single planes, with masks of the same size.",
        )
    pixels = source.volume(0, range(source.channels))[:, 0].astype(np.float32)
    return TrainingImage(
        image.name, np.nan_to_num(pixels, nan=0, posinf=0, neginf=0), labels, share
    )
