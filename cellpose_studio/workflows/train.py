"""Train a model on folders of images and masks."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import AxesAmbiguous, CannotSave, TrainingSetUnfit
from cellpose_studio.core.parameters import GREY, Normalization
from cellpose_studio.core.training import TrainingImage, TrainingParameters
from cellpose_studio.engine.prepare import network_input
from cellpose_studio.engine.training import Report, train
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
) -> tuple[int, int]:
    """Train on ``folders`` and write the weights to ``out``.

    Each folder holds images and, beside each, its masks: ``image.tif`` and
    ``image_masks.tif``. ``split`` is a CSV table with the columns ``file`` (relative
    to the table) and ``split``: rows of ``train`` are trained on, rows of
    ``validation`` only measured, all others left alone. Without it every image is
    trained on. Returns the number of images of both kinds.

    Raises
    ------
    TrainingSetUnfit
        If there is nothing to train on.
    ImageUnreadable, MasksUnreadable, CannotSave
        As the files make it necessary.
    """
    if out.is_dir():
        raise CannotSave(f"{out} is a folder.", "Give the name of a weight file.")
    if not out.parent.is_dir():
        raise CannotSave(f"There is no folder {out.parent}.", "Choose another one.")
    files = _files(folders, split)
    if not files["train"]:
        raise TrainingSetUnfit(
            "There is no image with masks to train on.",
            "Put image.tif and image_masks.tif into one folder.",
        )
    sets = {role: _read(files[role], parameters, checkpoint) for role in ROLES}
    net = train(sets["train"], sets["validation"], parameters, checkpoint, report)
    with replacing(out) as part:
        save_weights(net, part)
    return len(sets["train"]), len(sets["validation"])


def _files(
    folders: Sequence[Path], split: Path | None
) -> dict[str, list[tuple[Path, Path]]]:
    """Return the (image, masks) files of each role, in the order of the folders."""
    roles = _roles(split) if split else None
    files: dict[str, list[tuple[Path, Path]]] = {role: [] for role in ROLES}
    for folder in folders:
        for entry in scan(folder):
            role = "train" if roles is None else roles.get(entry.image.resolve())
            # What a model found is nothing to learn from.
            true = [path for path in entry.masks if not is_found_path(path)]
            if true and role in files:
                files[role].append((entry.image, true[0]))
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
    files: Sequence[tuple[Path, Path]],
    parameters: TrainingParameters,
    checkpoint: Checkpoint,
) -> list[TrainingImage]:
    images = []
    for n, (image, masks) in enumerate(files):
        checkpoint.reached(n, len(files), "reading")
        images.append(_pair(image, masks, parameters))
    return images


def _pair(image: Path, masks: Path, parameters: TrainingParameters) -> TrainingImage:
    """Read one image as the mean of its channels in the first input."""
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
    channels = (GREY, *[None] * (parameters.widths[0] - 1))
    pixels = source.volume(0, range(source.channels))
    seen = network_input(channels, pixels, Normalization(), together=False)[0]
    return TrainingImage(
        image.name, np.ascontiguousarray(seen.transpose(2, 0, 1)), labels
    )
