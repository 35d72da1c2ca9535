"""The open project: what it holds, and every change of it on its way to the file."""

from __future__ import annotations

import getpass
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from cellpose_studio.app.project.contents import Contents, read_contents
from cellpose_studio.app.project.write_progress import WriteProgress
from cellpose_studio.app.project.writer import Change, Writer
from cellpose_studio.core.errors import ProjectDamaged, ProjectUnusable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.models.training_round import TrainingRound
from cellpose_studio.core.provenance.revision import LabelRevision
from cellpose_studio.io.project.file import (
    ProjectFile,
    content_replaced,
    create_project,
    open_project,
    read_beside,
)
from cellpose_studio.io.project.identity import place_of
from cellpose_studio.io.project.recovery.sidecar_files import sidecar_files
from cellpose_studio.io.project.tables.journal import read_open_edits
from cellpose_studio.io.project.tables.label_chunks import read_labels
from cellpose_studio.io.project.tables.presets import Preset
from cellpose_studio.io.project.tables.revision_source import (
    read_masks,
)
from cellpose_studio.io.project.tables.run_queue import BatchItem
from cellpose_studio.io.project.tables.window_state import write_state

Read = TypeVar("Read")

_PATIENCE = 10.0
"""Seconds to wait for the disk before reading or closing."""


class Project:
    """A project file that is open, and the thread that writes to it.

    For the GUI thread; `read` and what is built on it is for any.

    Parameters
    ----------
    contents
        As `read_contents` gives them.
    unnamed
        It lies in the user's data folder until it is saved under a name.

    Attributes
    ----------
    write_progress
        How much of the masks that wait for the writer is written.
    presets, queued, rounds
        What the menu of presets, the queue of runs and the trainings have read of it,
        and changed since: where the file is lost, a copy is made of what is in memory.
    """

    def __init__(self, contents: Contents, unnamed: bool = False) -> None:
        self.unnamed = unnamed
        self.crashed = contents.file.crashed
        self.notes = contents.file.notes
        self.stored_images = contents.images
        self.stored_label_sets = contents.label_sets
        self.edited_from = contents.edited_from
        self._states = contents.states
        self.steps = contents.steps
        self.stored_statuses = contents.statuses
        self.stored_mothers = contents.mothers
        self.stored_classes = contents.classes
        self.stored_members = contents.members
        self.stored_marks = contents.marks
        self.presets: dict[str, Preset] = {}
        self.queued: dict[int, BatchItem] = {}
        self.rounds: list[TrainingRound] = []
        self._opened_with = contents.last_ids
        # Ids are assigned here, so that no caller has to wait for the writer.
        self._last = Counter(contents.last_ids)
        self.author = _user()
        self.is_closed = False
        self._tickets: dict[int, int] = {}
        self.write_progress = WriteProgress(self.is_stored)
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

    @property
    def states(self) -> Mapping[str, dict[str, Any]]:
        """What was remembered of the window and the like, by name."""
        return self._states

    def state(self, name: str) -> dict[str, Any]:
        """Return what was remembered under a name; empty if nothing was."""
        return self._states.get(name, {})

    def set_state(self, name: str, value: dict[str, Any], missed: bool = False) -> None:
        """Remember something; ``missed`` is whether somebody would miss it.

        If so, it is a change that is not saved where nothing can be written.
        """
        write = self.submit if missed else self.remember
        write(self.state_change(name, value))

    def state_change(self, name: str, value: dict[str, Any]) -> Change:
        """Note a state in memory; return what writes it, for `submit`."""
        self._states[name] = value
        return lambda db: write_state(db, name, value)

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

    def submit_revision(self, revision: int, chunks: int, *changes: Change) -> None:
        """Write a revision of so many chunks; `is_stored` tells when it is written."""
        self.write_progress.expect(revision, chunks)
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
            # A connection made now would never be closed.
            if self.is_closed:
                raise ProjectUnusable(f"{file.path.name} is closed.")
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
        empty = self.unnamed and self._last["image"] == 0
        place = self.writer.file.place
        with self._reading:
            self.is_closed = True
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
