"""Opening, creating and closing a project file."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.io.project.database import (
    SUFFIX,
    check_header,
    check_integrity,
    checkpoint_to_single_file,
    connect,
    connect_to_project,
    prepare,
    readable_errors,
    set_closed,
    version_of,
    was_closed,
)
from cellpose_studio.io.project.identity import (
    Identity,
    identify,
    identity_of,
    place_of,
)
from cellpose_studio.io.project.lock import lock, locked_by_another, unlock
from cellpose_studio.io.project.schema import (
    APPLICATION_ID,
    VERSION,
    migrate,
)
from cellpose_studio.io.project.sidecar_files import is_taken

__all__ = [
    "SUFFIX",
    "ProjectFile",
    "create_project",
    "locked_by_another",
    "open_locked",
    "open_project",
    "read_project",
]


@dataclass(eq=False, kw_only=True)
class ProjectFile:
    """An open project file, for one thread at a time.

    Attributes
    ----------
    path
        Path of the file.
    db
        The connection, in autocommit mode.
    why_read_only
        Why nothing can be written, as a sentence; empty if it is writable.
    crashed
        Whether it was not closed properly the last time.
    identity
        Id of the project, and its number of transactions.
    place
        Device and inode of the file.
    in_turns
        Whether reading and writing exclude each other, as on a network drive.
    """

    path: Path
    db: sqlite3.Connection
    why_read_only: str = ""
    crashed: bool = False
    identity: Identity = field(init=False)
    place: tuple[int, int] = field(init=False)
    in_turns: bool = field(init=False)
    _lock: FileLock | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.identity = identity_of(self.db)
        self.place = place_of(self.path)
        mode = self.db.execute("PRAGMA journal_mode").fetchone()[0]
        self.in_turns = mode != "wal"

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written."""
        return bool(self.why_read_only)

    def check_place(self) -> None:
        """Raise `FileNotFoundError` if the file was moved, deleted or replaced.

        Writes would then go into a file that no path leads to any more.
        """
        if place_of(self.path) != self.place:
            text = os.strerror(errno.ENOENT)
            raise FileNotFoundError(errno.ENOENT, text, str(self.path))

    def close(self) -> None:
        """Checkpoint into a single file and release the lock."""
        if not self.read_only:
            with suppress(sqlite3.Error, OSError):
                self.check_place()
                # The mark must be in the database before the checkpoint, which then
                # includes it.
                set_closed(self.db, True)
                checkpoint_to_single_file(self.db)
        self.release()

    def release(self) -> None:
        """Release the lock without a checkpoint, because the file is damaged."""
        self.db.close()
        if self._lock is not None:
            unlock(self._lock)


def create_project(path: Path) -> ProjectFile:
    """Create an empty project at ``path``, which must not exist, and open it.

    Raises
    ------
    CannotSave
        If it cannot be created.
    """
    _make_file(path)
    taken, why = lock(path)
    try:
        db = connect(path, "rw")
        try:
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            prepare(db, path)
            migrate(db, 0)
            identify(db)
            set_closed(db, False)
        except BaseException:
            db.close()
            raise
    except BaseException as error:
        if taken is not None:
            unlock(taken)
        if not isinstance(error, sqlite3.Error):
            raise
        with suppress(OSError):
            path.unlink()
        raise CannotSave(f"{path.name} cannot be created: {error}.") from error
    return ProjectFile(path=path, db=db, why_read_only=why, _lock=taken)


def open_project(path: Path) -> ProjectFile:
    """Open a project for writing, or read-only if that is not possible.

    Raises
    ------
    ProjectUnusable
        If it does not exist, or is not a project.
    ProjectDamaged
        If it is damaged beyond opening.
    """
    check_header(path)
    return open_locked(path, *lock(path))


def open_locked(path: Path, taken: FileLock | None, why: str = "") -> ProjectFile:
    """Open a project like `open_project`, with the result of `lock` for it."""
    try:
        with readable_errors(path):
            return _opened(path, taken, why)
    except BaseException:
        if taken is not None:
            unlock(taken)
        raise


def read_project(path: Path) -> ProjectFile:
    """Open a project for reading, even if it is open for writing elsewhere.

    Raises
    ------
    ProjectUnusable, ProjectDamaged
        As `open_project`.
    """
    check_header(path)
    with readable_errors(path):
        db = connect_to_project(path, "ro")
        try:
            return ProjectFile(
                path=path, db=db, why_read_only="This view is read-only."
            )
        except BaseException:
            db.close()
            raise


def _make_file(path: Path) -> None:
    # SQLite would replay the leftover sidecar files of another project into this one.
    if is_taken(path):
        raise CannotSave(f"{path.name} already exists.", "Choose another name.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb"):
            pass
    except OSError as error:
        raise CannotSave(
            f"{path.name} cannot be created in {path.parent}: "
            f"{error.strerror or error}.",
            "Choose another folder.",
        ) from error


def _opened(path: Path, taken: FileLock | None, why: str) -> ProjectFile:
    db = connect_to_project(path, "ro" if why else "rw")
    try:
        version = version_of(db)
        if version > VERSION and not why:
            db.close()
            db = connect(path, "ro")
            why = (
                f"{path.name} was made by a newer version of Cellpose Studio, so it "
                "is read-only. Install that version to change it."
            )
        crashed = taken is not None and not was_closed(db)
        if crashed:
            check_integrity(db)
        if not why:
            prepare(db, path)
            migrate(db, version)
            identify(db)
            set_closed(db, False)
        return ProjectFile(
            path=path, db=db, why_read_only=why, crashed=crashed, _lock=taken
        )
    except BaseException:
        db.close()
        raise
