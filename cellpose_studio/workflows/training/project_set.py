"""The training set of a project: the masks that are marked, as they were then."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import TrainingSetUnfit
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.images.intensities import as_float32
from cellpose_studio.core.models.training import TrainingImage
from cellpose_studio.core.models.training_set import TrainingPair
from cellpose_studio.core.provenance.revision import LabelRevision
from cellpose_studio.io.project.file import read_project
from cellpose_studio.io.project.tables.images import read_image_table
from cellpose_studio.io.project.tables.label_chunks import read_labels
from cellpose_studio.io.project.tables.revision_source import read_masks
from cellpose_studio.io.project.tables.revisions import read_label_sets, read_revision
from cellpose_studio.io.project.tables.training.members import read_members

Answer = TypeVar("Answer")


class ReadProject(Protocol):
    """Reads from a project, in any thread."""

    def __call__(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Return the answer to a question."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class SetPart:
    """Masks that are marked; ``pair`` is None if they are not used, for a reason."""

    name: str
    reason: str = ""
    pair: TrainingPair | None = None


def pairs_of_project(
    path: Path, checkpoint: Checkpoint | None = None
) -> list[TrainingPair]:
    """Return the pairs of the training set of a project file, which is only read.

    Raises
    ------
    TrainingSetUnfit, ProjectUnusable, ProjectDamaged
    """
    parts = parts_of_project(reader_of(path), path.parent, checkpoint or Checkpoint())
    return usable_pairs(parts)


def usable_pairs(parts: Sequence[SetPart]) -> list[TrainingPair]:
    """Return the pairs of the parts that are used; raises `TrainingSetUnfit`."""
    pairs = [part.pair for part in parts if part.pair is not None]
    if not pairs:
        raise TrainingSetUnfit(
            "No image of the project is marked for training.",
            "Mark corrected images in the list of images.",
        )
    return pairs


def reader_of(path: Path) -> ReadProject:
    """Return what reads a project file, one question after the other."""
    lock = threading.Lock()

    def read(question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        with lock:
            file = read_project(path)
            try:
                return question(file.db)
            finally:
                file.close()

    return read


def parts_of_project(
    read: ReadProject, folder: Path, checkpoint: Checkpoint
) -> list[SetPart]:
    """Return everything that is marked in a project, used or not, in its order."""
    members = read(read_members)
    sets = {one.id: one for one in read(read_label_sets)}
    images = {one.id: one for one in read(partial(read_image_table, folder=folder))}
    parts = []
    for n, member in enumerate(members):
        checkpoint.reached(n, len(members), "reading masks")
        label_set = sets[member.label_set]
        image = images[label_set.image].image
        head = label_set.head
        if member.revision is not None:
            head = read(partial(read_revision, number=member.revision))
        if head is None or image.frames * image.planes > 1:
            parts.append(SetPart(name=image.name, reason="It is no single plane."))
            continue
        reading = partial(_read, read, image, head, member.revision is not None)
        labels = reading().labels
        digest = hashlib.sha256(labels.tobytes())
        digest.update(image.fingerprint.encode())
        pair = TrainingPair(
            name=image.name,
            role="train" if member.role == "train" else "validation",
            identity=digest.hexdigest(),
            cells=int(np.count_nonzero(np.unique(labels))),
            source=f"{image.name}: masks {label_set.name}, revision {head.id}",
            read=reading,
        )
        parts.append(SetPart(name=image.name, pair=pair))
    return parts


def _read(
    read: ReadProject, image: ImageSource, head: LabelRevision, pinned: bool
) -> TrainingImage:
    labels = read(
        lambda db: (
            read_labels(db, head.id, head.shape) if pinned else read_masks(db, head)
        )
    )
    channels = image.volume(0, range(image.channels))[:, 0]
    pixels = np.stack([as_float32(channel)[0] for channel in channels])
    return TrainingImage(image.name, pixels, labels.reshape(pixels.shape[1:]))
