"""The open project: what it holds, and every change of it on its way to the file."""

from __future__ import annotations

import getpass
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from cellpose_studio.app.project.writer import Change, Writer
from cellpose_studio.core.errors import ProjectDamaged
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.measure.compartments.choice import COMPARTMENTS_STATE
from cellpose_studio.core.measure.experiment.columns import EXPERIMENT_STATE
from cellpose_studio.core.provenance.revision import CellStatus, LabelRevision
from cellpose_studio.core.review.training_marks import OPTIONS_STATE, TrainingMarks
from cellpose_studio.io.project.file import (
    ProjectFile,
    content_replaced,
    create_project,
    open_project,
    read_beside,
)
from cellpose_studio.io.project.identity import place_of
from cellpose_studio.io.project.reading import snapshot
from cellpose_studio.io.project.recovery.sidecar_files import sidecar_files
from cellpose_studio.io.project.row_counts import last_ids
from cellpose_studio.io.project.tables.cells.cell_classes import (
    StoredClasses,
    read_classes,
)
from cellpose_studio.io.project.tables.cells.cell_status import read_all_statuses
from cellpose_studio.io.project.tables.cells.divisions import read_all_mothers
from cellpose_studio.io.project.tables.images import StoredImage, read_image_table
from cellpose_studio.io.project.tables.journal import read_open_edits
from cellpose_studio.io.project.tables.label_chunks import read_labels
from cellpose_studio.io.project.tables.revision_source import (
    EditedFrom,
    read_edited_from,
    read_masks,
)
from cellpose_studio.io.project.tables.revisions import StoredLabelSet, read_label_sets
from cellpose_studio.io.project.tables.training.marks import read_marks
from cellpose_studio.io.project.tables.training.members import (
    TRAINING_SET,
    TrainingMember,
    read_members,
)
from cellpose_studio.io.project.tables.undo_steps import JournalStep, read_steps
from cellpose_studio.io.project.tables.window_state import read_state

Read = TypeVar("Read")

_PATIENCE = 10.0
"""Seconds to wait for the disk before reading or closing."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """A project file with the lists in it; made in any thread.

    Attributes
    ----------
    last_ids
        The highest id of each table.
    state, experiment, compartments
        What was remembered of the window, the columns of the experiment, and what is
        measured of nuclei and cells together.
    statuses, mothers
        Of cells, by label set and id.
    classes
        The classes of cells, and which cells have them.
    members, marks
        The training set: roles, and what else is said of masks, by label set.
    training_options
        What is left out of the training set.
    """

    file: ProjectFile
    images: list[StoredImage]
    label_sets: list[StoredLabelSet]
    edited_from: dict[int, EditedFrom]
    last_ids: Counter[str]
    state: dict[str, Any]
    experiment: dict[str, Any]
    compartments: dict[str, Any]
    steps: list[JournalStep]
    statuses: dict[int, dict[int, CellStatus]]
    mothers: dict[int, dict[int, int]]
    classes: StoredClasses
    members: dict[int, TrainingMember]
    marks: dict[int, TrainingMarks]
    training_options: dict[str, Any]


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
            edited_from = _edited_from(file.db, label_sets)
            state = read_state(file.db, "window")
            experiment = read_state(file.db, EXPERIMENT_STATE)
            compartments = read_state(file.db, COMPARTMENTS_STATE)
            statuses = read_all_statuses(file.db)
            mothers = read_all_mothers(file.db)
            classes = read_classes(file.db)
            members = {
                one.label_set: one
                for one in read_members(file.db)
                if one.name == TRAINING_SET
            }
            marks = read_marks(file.db)
            training_options = read_state(file.db, OPTIONS_STATE)
            ids = last_ids(file.db)
            steps = _steps(file.db)
        return Contents(
            file=file,
            images=images,
            label_sets=label_sets,
            edited_from=edited_from,
            last_ids=ids,
            state=state,
            experiment=experiment,
            compartments=compartments,
            steps=steps,
            statuses=statuses,
            mothers=mothers,
            classes=classes,
            members=members,
            marks=marks,
            training_options=training_options,
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


class Project:
    """A project file that is open, and the thread that writes to it.

    For the GUI thread; `read` and what is built on it is for any.

    Parameters
    ----------
    contents
        As `read_contents` gives them.
    unnamed
        It lies in the user's data folder until it is saved under a name.
    """

    def __init__(self, contents: Contents, unnamed: bool = False) -> None:
        self.unnamed = unnamed
        self.crashed = contents.file.crashed
        self.notes = contents.file.notes
        self.stored_images = contents.images
        self.stored_label_sets = contents.label_sets
        self.edited_from = contents.edited_from
        self.state = contents.state
        self.experiment = contents.experiment
        self.compartments = contents.compartments
        self.steps = contents.steps
        self.stored_statuses = contents.statuses
        self.stored_mothers = contents.mothers
        self.stored_classes = contents.classes
        self.stored_members = contents.members
        self.stored_marks = contents.marks
        self.training_options = contents.training_options
        self._opened_with = contents.last_ids
        # Ids are assigned here, so that no caller has to wait for the writer.
        self._last = Counter(contents.last_ids)
        self.author = _user()
        self.is_closed = False
        self._tickets: dict[int, int] = {}
        # All threads share one connection for reading, one after another.
        self._reading = threading.Lock()
        self._reader: ProjectFile | None = None
        self.writer = Writer(contents.file)

    @classmethod
    def create(cls, path: Path, unnamed: bool = False) -> Project:
        """Make a project; raises `CannotSave`."""
        return cls(read_contents(create_project(path)), unnamed)

    @classmethod
    def open(cls, path: Path, unnamed: bool = False) -> Project:
        """Open a project; raises `ProjectUnusable`, `ProjectDamaged`."""
        return cls(read_contents(open_project(path)), unnamed)

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.writer.file.path

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return self.path.parent

    @property
    def name(self) -> str:
        """What the user calls it."""
        return "Unnamed project" if self.unnamed else self.path.stem

    @property
    def read_only_reason(self) -> str:
        """Why nothing can be written, as a sentence; empty where it can."""
        return self.writer.file.read_only_reason

    def next_id(self, table: str) -> int:
        """Return an id that no row of ``table`` has or will have."""
        self._last[table] += 1
        return self._last[table]

    def reserve(self, table: str, number: int) -> None:
        """Give no later row of ``table`` an id up to that one."""
        self._last[table] = max(self._last[table], number)

    def submit(self, *changes: Change) -> int:
        """Write changes in one transaction, soon; return a number for it."""

        def all_of_them(db: sqlite3.Connection) -> None:
            for change in changes:
                change(db)

        return self.writer.submit(all_of_them)

    def remember(self, change: Change) -> None:
        """Write something that nobody would miss, where anything can be written."""
        if not self.read_only_reason:
            self.submit(change)

    def submit_revision(self, revision: int, *changes: Change) -> None:
        """Write a revision; `is_stored` tells when it is on the disk."""
        self._tickets[revision] = self.submit(*changes)

    def is_stored(self, revision: int) -> bool:
        """Tell whether the pixels of a revision are on the disk."""
        return self.writer.is_durable(self._tickets.get(revision, 0))

    def read(self, question: Callable[[sqlite3.Connection], Read]) -> Read:
        """Return what ``question`` finds in the file; waits for what is on its way.

        From any thread.

        Raises
        ------
        ProjectDamaged, ProjectUnusable
        """
        # A writer that is stuck would make each read wait in vain.
        if not self.writer.is_stuck:
            self.writer.flush(_PATIENCE)
        with self._reading, self.writer.turn():
            reader, file = self._reader, self.writer.file
            # The project may have been saved elsewhere since the last read.
            if reader is None or (reader.path, reader.place) != (file.path, file.place):
                self._forget_reader()
                reader = self._reader = read_beside(file)
            try:
                return question(reader.db)
            except (ProjectDamaged, sqlite3.DatabaseError) as error:
                if file.is_overwritten():
                    raise content_replaced(file.path) from error
                raise

    def labels(self, revision: LabelRevision) -> Labels:
        """Return the masks of a revision; from any thread.

        Raises
        ------
        ProjectDamaged
        """
        return self.read(lambda db: read_labels(db, revision.id, revision.shape))

    def labels_now(self, head: LabelRevision) -> Labels:
        """Return the masks of a label set with this head as they are now.

        From any thread.

        Raises
        ------
        ProjectDamaged
        """
        return self.read(lambda db: read_masks(db, head))

    def labels_and_edits(
        self, label_set: int, revision: LabelRevision
    ) -> tuple[Labels, list[LabelEdit]]:
        """Return the masks of a revision, and the edits that came after it.

        Raises
        ------
        ProjectDamaged
        """
        return self.read(
            lambda db: (
                read_labels(db, revision.id, revision.shape),
                read_open_edits(db, label_set, revision.id),
            )
        )

    def save_as(self, path: Path) -> None:
        """Go on in a copy at ``path``; an unnamed project is moved there.

        Waits; not for the GUI thread.

        Raises
        ------
        CannotSave
        """
        old, place = self.path, self.writer.file.place
        with self._reading:
            self._forget_reader()
            # Another window may have added rows since, with the ids that this one has
            # assigned.
            ids = self._opened_with if self.read_only_reason else None
            self.writer.save_as(path, ids)
        if self.unnamed:
            self.unnamed = False
            _remove(old, place)

    def close(self, patience: float = _PATIENCE) -> None:
        """Write what is left, as far as that is possible, and close the file.

        An unnamed project without images leaves nothing behind. What cannot be
        written within ``patience`` seconds is given up.
        """
        self.writer.flush(patience)
        self.is_closed = True
        empty = self.unnamed and self._last["image"] == 0
        place = self.writer.file.place
        with self._reading:
            self._forget_reader()
        # The writer is closed last: SQLite removes the sidecar files with the last
        # connection.
        self.writer.close()
        if empty:
            _remove(self.path, place)

    def _forget_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def _remove(path: Path, place: tuple[int, int]) -> None:
    """Remove a closed project, but no other file that came into its place."""
    with suppress(OSError):
        if place_of(path) == place and not sidecar_files(path):
            path.unlink()


def now() -> datetime:
    """Return the present time as the project stores times, UTC."""
    return datetime.now(UTC)


def _user() -> str:
    try:
        return getpass.getuser()
    # There may be no such thing, in a container for one.
    except (OSError, KeyError, ImportError):
        return ""
