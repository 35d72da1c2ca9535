"""The training set of a project: what is used, what is not, and why."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

import numpy as np

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import StudioError, TrainingSetUnfit
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.training import TrainingImage
from cellpose_studio.core.models.training_set import Role, TrainingPair
from cellpose_studio.core.review.training_marks import (
    LeaveOut,
    TrainingCrop,
    role_of_crop,
)
from cellpose_studio.core.review.training_slices import Labels, Slice, slices_of
from cellpose_studio.core.wording import cell_count
from cellpose_studio.io.masks.imported import FOREGROUND_HINT, ImportedMasks
from cellpose_studio.io.project.file import read_project
from cellpose_studio.io.project.tables.revision_source import read_masks_with
from cellpose_studio.workflows.training.cells_left_out import cells_left_out
from cellpose_studio.workflows.training.marked_images import (
    MarkedImage,
    marked_images,
)
from cellpose_studio.workflows.training.project_parts import (
    Annotation,
    Plane,
    identity_of,
    read_pair,
)

Answer = TypeVar("Answer")

SMALLEST = 16
"""Side of the smallest image that is trained on, pixels."""
_FEWEST_FINITE = 0.5
"""Part of the pixels that have to be numbers."""


KnownParts: TypeAlias = dict[int, tuple[object, "list[SetPart]"]]
"""By label set, what its parts depend on, and the parts."""


class ReadProject(Protocol):
    """Reads from a project, in any thread."""

    def __call__(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Return the answer to a question."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class SetPart:
    """An image, slice or crop that was marked, whether it is used or not.

    Attributes
    ----------
    image, label_set
        Ids in the project.
    revision
        Of the masks; None if they have edits that are in no revision.
    name
        No other part has it.
    role
        None for a crop that is left out.
    cells, left_out
        Number of cells that are trained on, and that are not.
    ignored
        Part of the pixels that are ignored, 0 to 1.
    plane
        Where it is; None if the masks could not be read.
    crop
        None for an image or a slice.
    sliced
        Whether it is a slice of a stack or a time series.
    reason
        Why it is not used, a sentence; "" if it is.
    file, channels
        Path of the image, and names of its channels.
    identity
        As of `TrainingPair`; "" if the masks could not be read.
    pair
        None if it is not used.
    read
        As of `TrainingPair`; None if the masks could not be read.
    """

    image: int
    label_set: int
    revision: int | None
    name: str
    role: Role | None
    cells: int = 0
    left_out: int = 0
    ignored: float = 0.0
    plane: Plane | None = None
    crop: TrainingCrop | None = None
    sliced: bool = False
    reason: str = ""
    file: str = ""
    channels: tuple[str, ...] = ()
    identity: str = ""
    pair: TrainingPair | None = None
    read: Callable[[], TrainingImage] | None = None


def pairs_of_project(
    path: Path, checkpoint: Checkpoint | None = None
) -> list[TrainingPair]:
    """Return the pairs of the training set of a project file, which is only read.

    Raises
    ------
    TrainingSetUnfit
        If no image is marked, or none of those marked can be used.
    ProjectUnusable, ProjectDamaged
    Cancelled
    """
    parts = parts_of_project(reader_of(path), path.parent, checkpoint or Checkpoint())
    return usable_pairs(parts)


def usable_pairs(parts: Sequence[SetPart]) -> list[TrainingPair]:
    """Return the pairs of the parts that are used.

    Raises
    ------
    TrainingSetUnfit
        If there are none.
    """
    pairs = [part.pair for part in parts if part.pair is not None]
    if pairs:
        return pairs
    if not parts:
        raise TrainingSetUnfit(
            "No image of the project is marked for training.",
            "Mark corrected images with Train > Use for training.",
        )
    why = Counter(part.reason for part in parts if part.reason).most_common(1)
    raise TrainingSetUnfit(
        "None of the marked images can be used for training."
        + (f" The first reason: {why[0][0]}" if why else "")
    )


def reader_of(path: Path) -> ReadProject:
    """Return what reads a project file, one question after the other.

    The file is opened for each of them, and not kept.

    Raises
    ------
    ProjectUnusable, ProjectDamaged
    """
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
    read: ReadProject,
    folder: Path,
    checkpoint: Checkpoint,
    known: KnownParts | None = None,
) -> list[SetPart]:
    """Return everything that is marked in a project, used or not, in its order.

    Parameters
    ----------
    read
        As of `reader_of`, or `Project.read`.
    folder
        That of the project, which relative paths start from.
    known
        What was read before, which is not read again where nothing has changed; it is
        brought up to date.

    Raises
    ------
    ProjectDamaged, ProjectUnusable
    Cancelled
    """
    marked, options = read(partial(marked_images, folder=folder))
    parts: list[SetPart] = []
    for n, one in enumerate(marked):
        checkpoint.reached(n, len(marked), "reading masks")
        state = _state_of(one, options)
        before = known.get(one.masks.id) if known is not None else None
        if before is not None and before[0] == state:
            parts += before[1]
            continue
        found = [*_parts(read, one, options)]
        parts += found
        if known is not None:
            known[one.masks.id] = state, found
    return parts


def _state_of(one: MarkedImage, options: LeaveOut) -> object:
    """Return what the parts of an image depend on."""
    image = one.stored.image
    statuses = tuple(sorted(one.statuses.items()))
    where = one.name, image.path, image.fingerprint, image.path.exists()
    seen = image.shape, image.file_axes, image.anisotropy, image.channel_names
    masks = one.head, one.edits
    return masks, one.role, one.marks, options, statuses, where, seen


def _parts(read: ReadProject, one: MarkedImage, options: LeaveOut) -> Iterator[SetPart]:
    image = one.stored.image
    if reason := _reason_unused(one):
        yield _part(one, reason=reason)
        return
    try:
        annotation = read(partial(_annotation, one=one, options=options))
        labels = annotation.labels
        if reason := _reason_foreground(labels, image.path):
            yield _part(one, reason=reason)
            return
        planes = [*_planes(one, labels)]
        for detail, role, plane, crop in planes:
            masks = annotation.of(plane, image)
            known = _part(
                one,
                detail,
                role=role,
                cells=masks.cells,
                left_out=masks.left_out,
                ignored=masks.ignored_share,
                plane=plane,
                crop=crop,
                sliced=crop is None and image.frames * image.planes > 1,
                identity=identity_of(image, plane, masks),
            )
            reading = partial(_read, read, one, options, plane, known.name)
            why = _reason_of_part(known, masks.labels.shape, options)
            why = why or _reason_of_pixels(image, reading)
            if why or known.role is None:
                yield replace(known, reason=why, read=reading)
                continue
            pair = TrainingPair(
                name=known.name,
                role=known.role,
                identity=known.identity,
                cells=masks.cells,
                source=_source(one, known),
                read=reading,
            )
            yield replace(known, pair=pair, read=reading)
        if not planes:
            yield _part(one, reason="None of its slices has cells.")
    except StudioError as error:
        yield _part(one, reason=error.message)
    except ValueError:
        yield _part(
            one,
            reason="Its masks have another shape than when regions were marked as not "
            "annotated.",
        )


def _part(one: MarkedImage, detail: str = "", **known: object) -> SetPart:
    """Return a part of an image, with a name of its own."""
    values: dict[str, object] = {
        "image": one.stored.id,
        "label_set": one.masks.id,
        "revision": one.head.id if one.head and not one.edits else None,
        "name": f"{one.name}, {detail}" if detail else one.name,
        "role": one.role,
        "file": str(one.stored.image.path),
        "channels": one.stored.image.channel_names,
    }
    return SetPart(**values | known)  # type: ignore[arg-type]


def _reason_unused(one: MarkedImage) -> str:
    image = one.stored.image
    if one.head is None:
        return "It has no masks."
    if not image.path.exists():
        return "Its file is missing. Use File > Relink images to locate it."
    if one.head.shape != image.label_shape:
        return (
            f"Its masks have the shape {one.head.shape}, but the image has "
            f"{image.label_shape}."
        )
    return ""


def _reason_foreground(labels: Labels, path: Path) -> str:
    masks = ImportedMasks(labels=labels, flows=None, path=path)
    if not masks.foreground_only:
        return ""
    return (
        f"Its masks hold one number only, {labels.max()}: they say where cells are, "
        f"but not which pixels belong to which cell. {FOREGROUND_HINT}"
    )


def _reason_of_part(part: SetPart, shape: tuple[int, ...], options: LeaveOut) -> str:
    if part.role is None:
        return "You left it out."
    if min(shape) < SMALLEST:
        return (
            f"It is {shape[1]} × {shape[0]} px; training needs {SMALLEST} px at least."
        )
    fewest = options.fewest_cells if part.role == "train" else 1
    if part.cells < fewest:
        more = f", {part.left_out} more left out" if part.left_out else ""
        return f"It has {cell_count(part.cells)}{more}; at least {fewest} are needed."
    return ""


def _reason_of_pixels(image: ImageSource, reading: Callable[[], TrainingImage]) -> str:
    # Whole numbers are always numbers, so most images need not be read for this.
    if image.dtype.kind != "f":
        return ""
    there = np.isfinite(reading().pixels).all(axis=0).mean()
    if there > _FEWEST_FINITE:
        return ""
    return f"{1 - there:.0%} of its pixels are no numbers (NaN)."


def _planes(
    one: MarkedImage, labels: Labels
) -> Iterator[tuple[str, Role | None, Plane, TrainingCrop | None]]:
    """Yield what is used of an image: its name, its role, and where it is."""
    image, marks = one.stored.image, one.marks
    if marks.crops:
        for crop in marks.crops:
            yield crop.name, role_of_crop(crop, one.role), _plane_of(crop), crop
        return
    if image.frames == image.planes == 1:
        yield "", one.role, Plane(slice=Slice("YX", 0, 0)), None
        return
    for place in slices_of(labels, marks.slices, image.frames, image.planes):
        text = place.text(image.frames, image.planes)
        yield text, one.role, Plane(slice=place), None


def _plane_of(crop: TrainingCrop) -> Plane:
    region = crop.region
    place = Slice("YX", (region.frame or 1) - 1, (region.plane or 1) - 1)
    return Plane(slice=place, crop=region)


def _annotation(
    db: sqlite3.Connection, one: MarkedImage, options: LeaveOut
) -> Annotation:
    head = one.head
    assert head is not None
    # A window may edit the masks while they are used, or make a revision of the edits.
    labels = read_masks_with(db, head, one.edits)
    in_time = one.stored.image.frames > 1
    out = cells_left_out(db, head, labels, one.statuses, in_time, options)
    return Annotation(
        labels=labels, marks=one.marks, left_out=out, border=options.border
    )


def _read(
    read: ReadProject, one: MarkedImage, options: LeaveOut, plane: Plane, name: str
) -> TrainingImage:
    annotation = read(partial(_annotation, one=one, options=options))
    return read_pair(one.stored.image, annotation, plane, name)


def _source(one: MarkedImage, part: SetPart) -> str:
    assert one.head is not None
    edits = " with later edits" if part.revision is None else ""
    parts = [f"{part.name}: masks {one.masks.name}, revision {one.head.id}{edits}"]
    if part.plane is not None and part.plane.crop is not None:
        parts.append(str(part.plane.crop))
    if part.left_out:
        parts.append(f"{cell_count(part.left_out)} left out")
    return "; ".join(parts)
