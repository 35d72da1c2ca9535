"""Opening, creating and closing a project file."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from filelock import FileLock

from cellpose_studio.core.errors import CannotSave, ProjectUnusable
from cellpose_studio.io.project.database import (
    ALONE,
    SUFFIX,
    check_header,
    check_integrity,
    connect,
    connect_to_project,
    into_file,
    prepare,
    readable_errors,
    set_closed,
    uses_log,
    version_of,
    was_closed,
)
from cellpose_studio.io.project.identity import (
    count_commit,
)
from cellpose_studio.io.project.lock import lock, locked_by_another, unlock
from cellpose_studio.io.project.open_file import ProjectFile, mark
from cellpose_studio.io.project.recovery.belonging import side_file
from cellpose_studio.io.project.recovery.settle import settle
from cellpose_studio.io.project.recovery.sidecar_files import is_taken
from cellpose_studio.io.project.recovery.view import usable_mode
from cellpose_studio.io.project.recovery.watch import ContentReplaced
from cellpose_studio.io.project.schema import (
    APPLICATION_ID,
    VERSION,
    migrate,
    show_as_newest,
)
from cellpose_studio.io.temporary import remove_leftovers
from cellpose_studio.paths import real_path

__all__ = [
    "SUFFIX",
    "ProjectFile",
    "create_project",
    "locked_by_another",
    "open_locked",
    "open_project",
    "read_project",
]


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
            db.execute("PRAGMA synchronous = FULL")
            db.execute("BEGIN")
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            migrate(db, 0)
            set_closed(db, False)
            db.execute("COMMIT")
            prepare(db, path)
            mark(db)
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
    return ProjectFile(path=path, db=db, read_only_reason=why, _lock=taken)


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
        mode, notes = usable_mode(path)
        return _to_look_at(path, mode, "This view is for reading only.", notes)


def read_beside(file: ProjectFile) -> ProjectFile:
    """Open the project that ``file`` is, once more, for reading.

    Raises
    ------
    ProjectUnusable, ProjectDamaged
        As `open_project`; also if another file is in its place.
    """
    try:
        if not file.read_only:
            file.check_files()
        with readable_errors(file.path):
            view = _to_look_at(file.path, file.mode, "This view is for reading only.")
    except ContentReplaced as error:
        raise content_replaced(file.path) from error
    except OSError as error:
        raise ProjectUnusable(
            f"{file.path.name} is not where it was opened, so nothing can be read "
            "from it.",
            "Put it back, or save the project elsewhere (Ctrl+S).",
            "Put it back.",
        ) from error
    return view


def content_replaced(path: Path) -> ProjectUnusable:
    """Return the error of reading from a project that another program overwrote."""
    return ProjectUnusable(
        f"Another program replaced the content of {path.name}, so nothing can be read "
        "from it.",
        "Save what is open here as a new project (Ctrl+S).",
        "Start the command again.",
    )


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
    if taken is None:
        mode, notes = usable_mode(path)
        return _to_look_at(path, mode, why, notes)
    remove_leftovers(real_path(path).parent)
    settled = settle(path)
    crashed = settled.recovers or not _was_closed(path)
    if crashed:
        _check_structure(path)
    db = connect_to_project(path, "rw")
    try:
        version = version_of(db)
        if version > VERSION:
            db.close()
            why = (
                f"{path.name} was made by a newer version of Cellpose Studio, so it "
                "is read-only. Install that version to change it."
            )
            file = _to_look_at(path, "ro", why, settled.notes)
            file.crashed, file._lock = crashed, taken
            return file
        _begin(db, path, version)
    except BaseException:
        db.close()
        raise
    settled.remove_copies()
    return ProjectFile(path, db, why, crashed, settled.notes, taken)


def _begin(db: sqlite3.Connection, path: Path, version: int) -> None:
    """Say in the file itself, not in a log, that somebody writes to it."""
    db.execute("PRAGMA synchronous = FULL")
    db.execute("BEGIN IMMEDIATE")
    migrate(db, version)
    count_commit(db)
    set_closed(db, False)
    db.execute("COMMIT")
    prepare(db, path)
    if uses_log(db):
        into_file(db)
        mark(db)


def _was_closed(path: Path) -> bool:
    with closing(connect_to_project(path, ALONE)) as db:
        return was_closed(db)


def _check_structure(path: Path) -> None:
    """Look a file over before anything of a log is put into it that a crash left.

    A journal has to be put into it first, which a connection for reading cannot.
    """
    if side_file(path, "-journal").exists():
        connect_to_project(path, "rw").close()
    with closing(connect_to_project(path, "ro")) as db:
        check_integrity(db)


def _to_look_at(
    path: Path, mode: str, why: str, notes: tuple[str, ...] = ()
) -> ProjectFile:
    db = connect_to_project(path, mode)
    try:
        show_as_newest(db)
        file = ProjectFile(path, db, why, notes=notes)
        file.mode = mode
        return file
    except BaseException:
        db.close()
        raise
