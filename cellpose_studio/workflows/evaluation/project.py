"""Images of a project to evaluate: label sets and revisions against each other."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from cellpose_studio.core.errors import MasksUnreadable, NoSuchMasks
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.provenance.classes.assigned import Assigned
from cellpose_studio.core.provenance.classes.cell_class import present
from cellpose_studio.core.wording import image_count, some
from cellpose_studio.io.project.open_file import ProjectFile
from cellpose_studio.io.project.tables.cells.cell_classes import read_classes
from cellpose_studio.io.project.tables.cells.cell_status import read_all_statuses
from cellpose_studio.io.project.tables.images import StoredImage, read_image_table
from cellpose_studio.io.project.tables.label_chunks import read_labels
from cellpose_studio.io.project.tables.revision_source import read_masks
from cellpose_studio.io.project.tables.revisions import StoredLabelSet, read_label_sets
from cellpose_studio.io.project.tables.training.marks import read_marks
from cellpose_studio.workflows.evaluation.choice import (
    MasksChoice,
    Sides,
    chosen_revision,
)
from cellpose_studio.workflows.evaluation.corrected import decisions_of, is_corrected
from cellpose_studio.workflows.evaluation.decisions import NO_DECISIONS, Decisions
from cellpose_studio.workflows.evaluation.items import (
    Classes,
    ItemToEvaluate,
    MasksToCompare,
    masks_to_compare,
)


def items_of_project(
    file: ProjectFile,
    sides: Sides,
    per_class: bool = False,
    tell: Callable[[str], object] = lambda _: None,
) -> list[ItemToEvaluate]:
    """Return the images of a project that have both masks.

    Where the masks before the corrections are compared with those after them, images
    that nobody corrected or reviewed are left out.

    Parameters
    ----------
    per_class
        Read the classes of cells as well.
    tell
        Called with what the user has to know of the comparison.

    Raises
    ------
    MasksUnreadable
        If no image has both, or none was corrected.
    ProjectDamaged
    """
    needs_corrections = sides.compares_corrections
    statuses = read_all_statuses(file.db)
    marks = read_marks(file.db)
    left_out = 0
    sets = {(one.image, one.name): one for one in read_label_sets(file.db)}
    classes = _Classes(file.db) if per_class else None
    items = []
    for stored in read_image_table(file.db, file.path.parent):
        pair = [
            sets.get((stored.id, side.name or stored.active))
            for side in (sides.found, sides.true)
        ]
        found, true = pair
        if stored.hidden or found is None or true is None:
            continue
        if found.head is None or true.head is None:
            continue
        if needs_corrections and not is_corrected(stored, true, true.head, statuses):
            left_out += 1
            continue
        ignore = sets.get((stored.id, sides.ignore)) if sides.ignore else None
        of_found, of_true = (
            NO_DECISIONS
            if side.version
            else decisions_of(stored, one.id, statuses, marks)
            for one, side in ((found, sides.found), (true, sides.true))
        )
        items.append(
            ItemToEvaluate(
                name=stored.image.name,
                id=stored.id,
                read=partial(
                    _read,
                    file.db,
                    stored,
                    (found, true),
                    sides,
                    (of_found, of_true),
                    ignore,
                    classes,
                ),
            )
        )
    if left_out and not items:
        raise MasksUnreadable(
            f"Nobody has corrected or reviewed an image of {file.path.name}, so its "
            "masks would only be compared with themselves.",
            "Correct images, or name other masks.",
        )
    if not items:
        raise MasksUnreadable(
            f"No image of {file.path.name} has both {sides.found.words} and "
            f"{sides.true.words}.",
            f"Names of its masks: {some(_mask_names(sets.values())) or 'none'}.",
        )
    if left_out:
        tell(f"left out: {image_count(left_out)} that nobody corrected or reviewed")
    return items


def _mask_names(sets: Iterable[StoredLabelSet]) -> list[str]:
    """Return what masks of the project are called, each name once."""
    return sorted({one.name for one in sets if one.head is not None})


def no_such_masks(image: str, choice: MasksChoice) -> NoSuchMasks:
    """Return the error for an image without the masks of a choice."""
    return NoSuchMasks(f"{image} has no masks “{choice.words}”.")


def class_names(
    listed: Mapping[int, str], assigned: Mapping[int, Assigned]
) -> dict[int, str]:
    """Return the name of the class of each cell that has one."""
    return {
        cell: listed[one.number]
        for cell, one in assigned.items()
        if one.number in listed
    }


def classes_of_sides(
    sides: Sides, of_found: Mapping[int, str], of_true: Mapping[int, str]
) -> Classes:
    """Return the classes to compare, given those of the present masks of both."""
    # Those of earlier masks are not known: their ids may be of other cells.
    found = {} if sides.found.version else of_found
    return {} if sides.true.version else of_true, found or None


class _Classes:
    """The classes of all cells of a project."""

    def __init__(self, db: sqlite3.Connection) -> None:
        stored = read_classes(db)
        self._listed = {one.id: one.name for one in present(stored.classes)}
        self._assigned = stored.assigned

    def of(self, label_set: int) -> dict[int, str]:
        return class_names(self._listed, self._assigned.get(label_set, {}))


def _read(
    db: sqlite3.Connection,
    stored: StoredImage,
    pair: tuple[StoredLabelSet, StoredLabelSet],
    sides: Sides,
    decisions: tuple[Decisions, Decisions],
    ignore: StoredLabelSet | None,
    classes: _Classes | None,
) -> MasksToCompare:
    found, true = (
        _labels(db, stored, one, side)
        for one, side in zip(pair, (sides.found, sides.true), strict=True)
    )
    hidden = ignore.head if ignore is not None else None
    names = None
    if classes is not None:
        names = classes_of_sides(sides, *(classes.of(one.id) for one in pair))
    return masks_to_compare(
        found,
        true,
        decisions,
        in_frames=stored.image.frames > 1,
        ignore=read_masks(db, hidden) > 0 if hidden is not None else None,
        classes=names,
    )


def _labels(
    db: sqlite3.Connection, stored: StoredImage, one: StoredLabelSet, side: MasksChoice
) -> Labels:
    assert one.head is not None
    if not side.version:
        return read_masks(db, one.head)
    revision = chosen_revision(db, one.id, one.head, side)
    if revision is None:
        raise no_such_masks(stored.image.name, side)
    return read_labels(db, revision.id, revision.shape)
