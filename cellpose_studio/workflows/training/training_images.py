"""Finds and reads the images and masks of a training set."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import AxesAmbiguous, TrainingSetUnfit
from cellpose_studio.core.images.distinct_names import with_folders
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.images.intensities import as_float32
from cellpose_studio.core.masks.labels import cell_count
from cellpose_studio.core.models.card import UnusedFiles
from cellpose_studio.core.models.training import TrainingImage
from cellpose_studio.core.models.training_set import Role, TrainingPair
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.exchange.extent import ImageExtent
from cellpose_studio.io.masks.folders import (
    ImageFiles,
    bare_stem,
    is_prediction_path,
    masks_in,
    scan_folder,
)
from cellpose_studio.io.masks.imported import FOREGROUND_HINT, ImportedMasks
from cellpose_studio.io.masks.reader import read_masks
from cellpose_studio.paths import real_path, sha256_of, special_kind

ROLES: tuple[Role, ...] = ("train", "validation")

Found = tuple[Path, Path, int]
"""Image, masks, and the index of their folder."""


def training_files(
    folders: Sequence[Path], split: Path | None, whole: Sequence[Path]
) -> dict[str, list[Found]]:
    """Return the files of each role, in the order of the folders."""
    files: dict[str, list[Found]] = {role: [] for role in ROLES}
    for n, entry, role in _entries(folders, split, whole):
        if true := _true_masks(entry):
            files[role].append((entry.image, true[0], n))
    return files


def files_left_out(
    folders: Sequence[Path], split: Path | None, whole: Sequence[Path]
) -> list[tuple[UnusedFiles, ...]]:
    """Return, for each folder, the files without a partner.

    These are images that the table does not exclude, and masks of no image: a name
    may be misspelt.
    """
    everything = [*folders, *whole]
    alone: list[list[str]] = [[] for _ in everything]
    predicted: list[list[str]] = [[] for _ in everything]
    for n, entry, _ in _entries(folders, split, whole):
        if not _true_masks(entry):
            (predicted if entry.masks else alone)[n].append(entry.image.name)
    return [
        unused_files(
            ("without masks", alone[n]),
            ("whose masks are the result of a model", predicted[n]),
            ("masks without an image", _without_image(folder)),
        )
        for n, folder in enumerate(everything)
    ]


def unused_files(*groups: tuple[str, Sequence[str]]) -> tuple[UnusedFiles, ...]:
    """Return groups of a reason and names of files, but those that are empty."""
    return tuple(
        UnusedFiles(reason=reason, files=tuple(names))
        for reason, names in groups
        if names
    )


def _entries(
    folders: Sequence[Path], split: Path | None, whole: Sequence[Path]
) -> Iterator[tuple[int, ImageFiles, str]]:
    """Yield the index of the folder, the files and the role of each image to use."""
    roles = _roles(split) if split else None
    for n, folder in enumerate([*folders, *whole]):
        table = roles if n < len(folders) else None
        for entry in scan_folder(folder):
            # The table and the folders may spell the same path differently.
            role = "train" if table is None else table.get(real_path(entry.image))
            if role in ROLES:
                yield n, entry, role


def _true_masks(entry: ImageFiles) -> list[Path]:
    """Return the masks of an image but the results of a model: they are no truth."""
    return [path for path in entry.masks if not is_prediction_path(path)]


def _without_image(folder: Path) -> list[str]:
    images = {bare_stem(entry.image.stem) for entry in scan_folder(folder)}
    masks = masks_in(folder)
    return [path.name for stem in masks if stem not in images for path in masks[stem]]


def _roles(split: Path) -> dict[Path, str]:
    if kind := special_kind(split):
        raise TrainingSetUnfit(f"{split.name} is {kind}, not a table.")
    try:
        # Excel writes a byte order mark before the first column.
        with split.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, restval=""))
        return {real_path(split.parent / r["file"]): r["split"] for r in rows}
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise TrainingSetUnfit(
            f"{split.name} cannot be read as a table of files and splits.",
            "It needs the columns file and split.",
        ) from error


def folder_pairs(
    files: Sequence[Found],
    role: Role,
    shares: Sequence[float],
    checkpoint: Checkpoint,
) -> list[TrainingPair]:
    """Return the pairs of ``files``; ``shares`` are those of the folders, if any.

    Raises
    ------
    TrainingSetUnfit, ImageUnreadable, MasksUnreadable
        If one cannot be trained on. The pixels of images are read by the training only.
    """
    of_folder = Counter(folder for _, _, folder in files)
    images = [image for image, _, _ in files]
    names = with_folders([p.name for p in images], [p.parent for p in images])
    pairs = []
    for n, (image, masks, folder) in enumerate(files):
        checkpoint.reached(n, len(files), "reading")
        # A share is that of a whole folder, however many images are in it.
        share = shares[folder] / of_folder[folder] if shares else 1.0
        read = partial(_pair, image, masks, share)
        pairs.append(
            TrainingPair(
                name=names[n],
                role=role,
                identity=_identity(image, masks),
                cells=cell_count(_masks(image, masks)[1].labels),
                source=f"{image.name} with {masks.name}",
                read=read,
            )
        )
    return pairs


def _identity(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        # An OME-Zarr is a folder.
        parts = sorted(file.rglob("*")) if file.is_dir() else [file]
        for part in parts:
            if part.is_file():
                digest.update(sha256_of(part).encode())
    return digest.hexdigest()


def _pair(image: Path, masks: Path, share: float) -> TrainingImage:
    """Read one image with all its channels."""
    source, true = _masks(image, masks)
    channels = source.volume(0, range(source.channels))[:, 0]
    pixels = np.stack([as_float32(channel)[0] for channel in channels])
    if true.unlabelled is not None:
        # Cells may lie there, which would teach the network that they are none.
        pixels[:, true.unlabelled] = np.nan
    return TrainingImage(image.name, pixels, true.labels, share, true.unlabelled)


def _masks(image: Path, masks: Path) -> tuple[ImageSource, ImportedMasks]:
    """Return an image, whose pixels are not read yet, and masks that fit it."""
    try:
        source = open_images(image)[0]
    except AxesAmbiguous as ambiguous:
        raise TrainingSetUnfit(
            ambiguous.message, "Training takes single planes."
        ) from ambiguous
    true = read_masks(masks, ImageExtent.of(source))
    if true.foreground_only:
        raise TrainingSetUnfit(true.foreground_reason, FOREGROUND_HINT)
    shape = true.labels.shape
    if len(shape) != 2 or source.label_shape != shape:
        raise TrainingSetUnfit(
            f"{image.name} has the shape {source.label_shape}, but {masks.name} has "
            f"{shape}.",
            "Training takes single planes, with masks of the same size.",
        )
    return source, true
