"""Which images of a project are marked for training, with what is said of them."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cellpose_studio.core.images.distinct_names import distinct_names
from cellpose_studio.core.models.training_set import Role
from cellpose_studio.core.provenance.revision import CellStatus, LabelRevision
from cellpose_studio.core.review.training_marks import (
    NO_MARKS,
    OPTIONS_STATE,
    LeaveOut,
    TrainingMarks,
    leave_out_from,
)
from cellpose_studio.io.project.reading import snapshot
from cellpose_studio.io.project.tables.cells.cell_status import read_all_statuses
from cellpose_studio.io.project.tables.images import StoredImage, read_image_table
from cellpose_studio.io.project.tables.journal import open_edit_ids
from cellpose_studio.io.project.tables.revisions import (
    StoredLabelSet,
    read_label_sets,
    read_revision,
)
from cellpose_studio.io.project.tables.training.marks import read_marks
from cellpose_studio.io.project.tables.training.members import (
    TRAINING_SET,
    read_members,
)
from cellpose_studio.io.project.tables.window_state import read_state


@dataclass(frozen=True, eq=False, kw_only=True)
class MarkedImage:
    """An image of the set with its masks, as the project lists them.

    Attributes
    ----------
    head
        The revision that is used; None if there is none.
    edits
        Ids of the edits that came after it, and were in no revision then.
    name
        Tells it from the others of the set.
    """

    stored: StoredImage
    masks: StoredLabelSet
    head: LabelRevision | None
    edits: tuple[int, ...]
    role: Role | None
    marks: TrainingMarks
    statuses: Mapping[int, CellStatus]
    name: str


def marked_images(
    db: sqlite3.Connection, folder: Path
) -> tuple[list[MarkedImage], LeaveOut]:
    """Return the marked images in the order of the list, and what is left out of all.

    Raises
    ------
    ProjectDamaged
    """
    # Another window, or the writer, may change the project meanwhile.
    with snapshot(db):
        members = {
            one.label_set: one for one in read_members(db) if one.name == TRAINING_SET
        }
        marks = read_marks(db)
        statuses = read_all_statuses(db)
        sets = read_label_sets(db)
        images = {one.id: one for one in read_image_table(db, folder)}
        options = leave_out_from(read_state(db, OPTIONS_STATE))
        found = []
        for masks in sets:
            member, stored = members.get(masks.id), images.get(masks.image)
            of_masks = marks.get(masks.id, NO_MARKS)
            has_role = any(crop.role for crop in of_masks.crops)
            if stored is None or stored.hidden or not (member or has_role):
                continue
            pinned = member.revision if member is not None else None
            head = read_revision(db, pinned) if pinned else masks.head
            edits: tuple[int, ...] = ()
            if masks.edited and not pinned and head is not None:
                edits = open_edit_ids(db, masks.id, head.id)
            found.append(
                MarkedImage(
                    stored=stored,
                    masks=masks,
                    head=head,
                    edits=edits,
                    role=member.role if member is not None else None,
                    marks=of_masks,
                    statuses=statuses.get(masks.id, {}),
                    name="",
                )
            )
    order = {number: n for n, number in enumerate(images)}
    found.sort(key=lambda one: (order[one.stored.id], one.masks.id))
    names = distinct_names([one.stored.image for one in found])
    several = Counter(names)
    return [
        replace(one, name=f"{name} ({one.masks.name})" if several[name] > 1 else name)
        for one, name in zip(found, names, strict=True)
    ], options
