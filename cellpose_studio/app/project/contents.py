"""What a project holds besides the pixels of masks, as read when it is opened."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cellpose_studio.core.errors import ProjectDamaged
from cellpose_studio.core.provenance.revision import CellStatus
from cellpose_studio.core.review.training_marks import TrainingMarks
from cellpose_studio.io.project.file import ProjectFile
from cellpose_studio.io.project.reading import snapshot
from cellpose_studio.io.project.row_counts import last_ids
from cellpose_studio.io.project.tables.cells.cell_classes import (
    StoredClasses,
    read_classes,
)
from cellpose_studio.io.project.tables.cells.cell_status import read_all_statuses
from cellpose_studio.io.project.tables.cells.divisions import read_all_mothers
from cellpose_studio.io.project.tables.images import StoredImage, read_image_table
from cellpose_studio.io.project.tables.revision_source import (
    EditedFrom,
    read_edited_from,
)
from cellpose_studio.io.project.tables.revisions import StoredLabelSet, read_label_sets
from cellpose_studio.io.project.tables.training.marks import read_marks
from cellpose_studio.io.project.tables.training.members import (
    TRAINING_SET,
    TrainingMember,
    read_members,
)
from cellpose_studio.io.project.tables.undo_steps import JournalStep, read_steps
from cellpose_studio.io.project.tables.window_state import read_states


@dataclass(frozen=True, kw_only=True)
class Contents:
    """A project file with the lists in it; made in any thread.

    Attributes
    ----------
    last_ids
        The highest id of each table.
    states
        What was remembered of the window, and all else that has no table of its own,
        by name.
    statuses, mothers
        Of cells, by label set and id.
    classes
        The classes of cells, and which cells have them.
    members, marks
        The training set: roles, and what else is said of masks, by label set.
    """

    file: ProjectFile
    images: list[StoredImage]
    label_sets: list[StoredLabelSet]
    edited_from: dict[int, EditedFrom]
    last_ids: Counter[str]
    states: dict[str, dict[str, Any]]
    steps: list[JournalStep]
    statuses: dict[int, dict[int, CellStatus]]
    mothers: dict[int, dict[int, int]]
    classes: StoredClasses
    members: dict[int, TrainingMember]
    marks: dict[int, TrainingMarks]


def read_contents(file: ProjectFile) -> Contents:
    """Read the lists of a project; the file is closed if that fails.

    Raises
    ------
    ProjectDamaged
    """
    try:
        # Another window may write to it meanwhile.
        with snapshot(file.db):
            images = read_image_table(file.db, file.path.parent)
            label_sets = read_label_sets(file.db)
            return Contents(
                file=file,
                images=images,
                label_sets=label_sets,
                edited_from=_edited_from(file.db, label_sets),
                states=read_states(file.db),
                statuses=read_all_statuses(file.db),
                mothers=read_all_mothers(file.db),
                classes=read_classes(file.db),
                members={
                    one.label_set: one
                    for one in read_members(file.db)
                    if one.name == TRAINING_SET
                },
                marks=read_marks(file.db),
                last_ids=last_ids(file.db),
                steps=_steps(file.db),
            )
    except BaseException:
        # Whatever has failed, the file must not stay locked.
        file.release()
        raise


def _steps(db: sqlite3.Connection) -> list[JournalStep]:
    """Return what can be undone; nothing if the journal cannot be read."""
    try:
        return read_steps(db)
    except ProjectDamaged:
        return []


def _edited_from(
    db: sqlite3.Connection, label_sets: list[StoredLabelSet]
) -> dict[int, EditedFrom]:
    """Return what masks with edits were edited from, by the id of their head."""
    found = {}
    for one in label_sets:
        if one.head is not None and (one.edited or one.head.kind == "edit"):
            # The masks can be used even if their journal cannot be read.
            with suppress(ProjectDamaged):
                found[one.head.id] = read_edited_from(db, one.head)
    return found
