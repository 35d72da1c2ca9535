"""A project file that is open: its connection, its lock, and its place on the disk."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from cellpose_studio.io.project.database import (
    checkpoint_to_single_file,
    connect,
    into_file,
    set_closed,
    uses_log,
)
from cellpose_studio.io.project.identity import (
    Identity,
    count_commit,
    identity_of,
    place_of,
)
from cellpose_studio.io.project.lock import unlock
from cellpose_studio.io.project.recovery.belonging import side_file
from cellpose_studio.io.project.recovery.settle import set_foreign_aside
from cellpose_studio.io.project.recovery.watch import ProjectReplaced, Watch

_MOST_LOG = 4 * 2**20
"""Bytes of a log after which it is put into the file."""


@dataclass(eq=False)
class ProjectFile:
    """An open project file, for one thread at a time.

    Attributes
    ----------
    path
        Where it is.
    db
        The connection, in autocommit mode.
    read_only_reason
        Why nothing can be written, as a sentence; empty where it can.
    crashed
        It was not closed the last time.
    notes
        What the user has to know of what lay beside it, in sentences.
    identity
        Which project it is, and how many transactions it has.
    place
        Which file of the disk it is.
    in_turns
        Reading and writing exclude each other, as on a network drive.
    mode
        How another connection is made for reading.
    """

    path: Path
    db: sqlite3.Connection
    read_only_reason: str = ""
    crashed: bool = False
    notes: tuple[str, ...] = ()
    identity: Identity = field(init=False)
    place: tuple[int, int] = field(init=False)
    in_turns: bool = field(init=False)
    _lock: FileLock | None = field(default=None, repr=False)
    mode: str = "ro"
    _pin: sqlite3.Connection | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.use(self.db)

    @property
    def read_only(self) -> bool:
        """Nothing can be written."""
        return bool(self.read_only_reason)

    def use(self, db: sqlite3.Connection) -> None:
        """Go on with another connection to the same project."""
        if self._pin is not None:
            self._pin.close()
        self.db = db
        self.identity = identity_of(db)
        self.place = place_of(self.path)
        self.in_turns = not uses_log(db)
        self._pin = None
        if not self.read_only and not self.in_turns:
            self._pin = _pinned(self.path)
        self._watch = Watch(self.path)

    def check_place(self) -> None:
        """Raise `FileNotFoundError` if the file was moved, deleted or replaced.

        What is written then goes into a file that has no name any more.

        Raises
        ------
        ProjectReplaced
            If another file is there.
        """
        if place_of(self.path) != self.place:
            raise ProjectReplaced(f"another file is at {self.path}")

    def check_files(self) -> None:
        """Raise as `check_place`, also if the file was overwritten.

        Raises
        ------
        sqlite3.DatabaseError
            If it was damaged.
        """
        self.check_place()
        self._watch.check(self.identity)

    def committed(self, identity: Identity) -> None:
        """Take the files for what the project is now; keep its log from growing."""
        self.identity = identity
        self._watch.remember()
        if not self.in_turns and _size(side_file(self.path, "-wal")) > _MOST_LOG:
            with suppress(sqlite3.Error):
                into_file(self.db)
            self._watch.remember()

    def close(self) -> None:
        """Leave one complete file behind, and give it free."""
        replaced = self._is_replaced()
        if not self.read_only and not replaced:
            with suppress(sqlite3.Error, OSError):
                self.check_files()
                mark(self.db, closed=True)
                self._unpin()
                checkpoint_to_single_file(self.db)
        self._release(replaced)

    def release(self) -> None:
        """Give the file free as it is, because it turned out to be damaged."""
        self._release(self._is_replaced())

    def _release(self, replaced: bool) -> None:
        self.db.close()
        self._unpin()
        if self._lock is not None:
            if replaced:
                with suppress(OSError, sqlite3.Error, ValueError):
                    set_foreign_aside(self.path)
            unlock(self._lock)

    def is_overwritten(self) -> bool:
        """Return whether what was in the file has gone: it has another content."""
        try:
            self.check_place()
        except OSError:
            return False
        return self._is_replaced()

    def _is_replaced(self) -> bool:
        if self.read_only:
            return False
        try:
            self.check_files()
        except ProjectReplaced:
            return True
        except (OSError, sqlite3.Error):
            return False
        return False

    def _unpin(self) -> None:
        if self._pin is not None:
            self._pin.close()
            self._pin = None


def mark(db: sqlite3.Connection, closed: bool = False) -> None:
    """Commit nothing but whether the project is closed: the log begins with a mark."""
    db.execute("BEGIN IMMEDIATE")
    count_commit(db)
    set_closed(db, closed)
    db.execute("COMMIT")


def _pinned(path: Path) -> sqlite3.Connection:
    """Keep SQLite from putting the log into the file when a connection is closed."""
    pin = connect(path, "ro")
    pin.execute("SELECT 1 FROM meta").fetchone()
    return pin


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
