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
    connected,
    connected_to_ours,
    opening,
    prepare,
    set_closed,
    to_one_file,
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
    bring_up_to_date,
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
        Where it is.
    db
        The connection, in autocommit mode.
    why_read_only
        Why nothing can be written, as a sentence; empty where it can.
    crashed
        It was not closed the last time.
    identity
        Which project it is, and how many transactions it has.
    place
        Which file of the disk it is.
    in_turns
        Reading and writing exclude each other, as on a network drive.
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
        """Nothing can be written."""
        return bool(self.why_read_only)

    def check_place(self) -> None:
        """Raise `FileNotFoundError` if the file was moved, deleted or replaced.

        What is written then goes into a file that has no name any more.
        """
        if place_of(self.path) != self.place:
            text = os.strerror(errno.ENOENT)
            raise FileNotFoundError(errno.ENOENT, text, str(self.path))

    def close(self) -> None:
        """Leave one complete file behind, and give it free."""
        if not self.read_only:
            with suppress(sqlite3.Error, OSError):
                self.check_place()
                set_closed(self.db, True)
                to_one_file(self.db)
        self.leave()

    def leave(self) -> None:
        """Give the file free as it is, because it turned out to be damaged."""
        self.db.close()
        if self._lock is not None:
            unlock(self._lock)


def create_project(path: Path) -> ProjectFile:
    """Make an empty project at ``path``, where no file may be, and open it.

    Raises
    ------
    CannotSave
        If it cannot be made there.
    """
    _make_file(path)
    taken, why = lock(path)
    try:
        db = connected(path, "rw")
        try:
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            prepare(db, path)
            bring_up_to_date(db, 0)
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
        raise CannotSave(f"{path.name} cannot be made: {error}.") from error
    return ProjectFile(path=path, db=db, why_read_only=why, _lock=taken)


def open_project(path: Path) -> ProjectFile:
    """Open a project for writing; only for reading where that is not possible.

    Raises
    ------
    ProjectUnusable
        If it is not there, or no project.
    ProjectDamaged
        If it is damaged beyond opening.
    """
    check_header(path)
    return open_locked(path, *lock(path))


def open_locked(path: Path, taken: FileLock | None, why: str = "") -> ProjectFile:
    """Open a project as `open_project` does, with what `lock` gave for it."""
    try:
        with opening(path):
            return _opened(path, taken, why)
    except BaseException:
        if taken is not None:
            unlock(taken)
        raise


def read_project(path: Path) -> ProjectFile:
    """Open a project for reading beside whoever has it open.

    Raises
    ------
    ProjectUnusable, ProjectDamaged
        As `open_project`.
    """
    check_header(path)
    with opening(path):
        db = connected_to_ours(path, "ro")
        try:
            return ProjectFile(
                path=path, db=db, why_read_only="This view is for reading only."
            )
        except BaseException:
            db.close()
            raise


def _make_file(path: Path) -> None:
    # What a crash left of another project would get into this one.
    if is_taken(path):
        raise CannotSave(f"{path.name} is there already.", "Choose another name.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb"):
            pass
    except OSError as error:
        raise CannotSave(
            f"{path.name} cannot be made in {path.parent}: {error.strerror or error}.",
            "Choose another folder.",
        ) from error


def _opened(path: Path, taken: FileLock | None, why: str) -> ProjectFile:
    db = connected_to_ours(path, "ro" if why else "rw")
    try:
        version = version_of(db)
        if version > VERSION and not why:
            db.close()
            db = connected(path, "ro")
            why = (
                f"{path.name} was made by a newer version of Cellpose Studio, so it "
                "can only be looked at. Install that version to change it."
            )
        crashed = taken is not None and not was_closed(db)
        if crashed:
            check_integrity(db)
        if not why:
            prepare(db, path)
            bring_up_to_date(db, version)
            identify(db)
            set_closed(db, False)
        return ProjectFile(
            path=path, db=db, why_read_only=why, crashed=crashed, _lock=taken
        )
    except BaseException:
        db.close()
        raise
