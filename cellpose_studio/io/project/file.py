"""Opening, creating and closing a project file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from cellpose_studio.core.errors import (
    CannotSave,
    ProjectDamaged,
    ProjectUnusable,
    StudioError,
)
from cellpose_studio.io.network_drive import is_on_network
from cellpose_studio.io.project.reading import RESCUE_HINT
from cellpose_studio.io.project.schema import (
    APPLICATION_ID,
    VERSION,
    bring_up_to_date,
)

SUFFIX = ".cpstudio"

_MAGIC = b"SQLite format 3\0"
_BUSY_SECONDS = 5.0
_IDENTITY = slice(68, 72)
_HEADER = 100


@dataclass(eq=False)
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
    """

    path: Path
    db: sqlite3.Connection
    why_read_only: str = ""
    crashed: bool = False
    _lock: FileLock | None = field(default=None, repr=False)

    @property
    def read_only(self) -> bool:
        """Nothing can be written."""
        return bool(self.why_read_only)

    def close(self) -> None:
        """Leave one complete file behind, and give it free."""
        if not self.read_only:
            with suppress(sqlite3.Error):
                _set_clean(self.db, True)
                self.db.execute("PRAGMA journal_mode = DELETE")
        self.leave()

    def leave(self) -> None:
        """Give the file free as it is, because it turned out to be damaged."""
        self.db.close()
        if self._lock is not None:
            # Before the release, or the file of a lock taken meanwhile would go.
            with suppress(OSError):
                Path(self._lock.lock_file).unlink()
            self._lock.release()


def create_project(path: Path) -> ProjectFile:
    """Make an empty project at ``path``, where no file may be, and open it.

    Raises
    ------
    CannotSave
        If it cannot be made there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb"):
            pass
    except FileExistsError as error:
        raise CannotSave(
            f"{path.name} is there already.", "Choose another name."
        ) from error
    except OSError as error:
        raise CannotSave(
            f"{path.name} cannot be made in {path.parent}: {error.strerror or error}.",
            "Choose another folder.",
        ) from error
    try:
        lock, why = _locked(path)
        db = _connected(path, "rw")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        _prepare(db, path)
        bring_up_to_date(db, 0)
        _set_clean(db, False)
    except sqlite3.Error as error:
        raise CannotSave(f"{path.name} cannot be made: {error}.") from error
    return ProjectFile(path, db, why, _lock=lock)


def open_project(path: Path) -> ProjectFile:
    """Open a project for writing; only for reading where that is not possible.

    Raises
    ------
    ProjectUnusable
        If it is not there, or no project.
    ProjectDamaged
        If it is damaged beyond opening.
    """
    _check_header(path)
    lock, why = _locked(path)
    try:
        return _opened(path, lock, why)
    except BaseException:
        if lock is not None:
            lock.release()
        raise


def read_project(path: Path) -> ProjectFile:
    """Open a project for reading beside whoever has it open.

    Raises
    ------
    ProjectUnusable, ProjectDamaged
        As `open_project`.
    """
    _check_header(path)
    with _opening(path):
        db = _connected(path, "ro")
        db.execute("SELECT count(*) FROM meta").fetchone()
        return ProjectFile(path, db, "This view of the project is for reading.")


def reconnect(file: ProjectFile) -> None:
    """Open the database of ``file`` again; nothing changes where that fails."""
    if file.read_only:
        return
    with suppress(sqlite3.Error, OSError, StudioError):
        _check_header(file.path)
        db = _connected(file.path, "rw")
        _prepare(db, file.path)
        old, file.db = file.db, db
        old.close()


def locked_by_another(path: Path) -> bool:
    """Tell whether a project at ``path`` is open for writing."""
    if not path.exists():
        return False
    lock = FileLock(_lock_file(path), thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False
    with suppress(OSError):
        Path(lock.lock_file).unlink()
    lock.release()
    return False


def _lock_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def _opened(path: Path, lock: FileLock | None, why: str) -> ProjectFile:
    with _opening(path):
        db = _connected(path, "ro" if why else "rw")
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if version > VERSION and not why:
            db.close()
            db = _connected(path, "ro")
            why = (
                f"{path.name} was made by a newer version of Cellpose Studio, so it "
                "can only be looked at. Install that version to change it."
            )
        crashed = _meta(db, "clean") == "0" and lock is not None
        if crashed:
            _check_integrity(db, path)
        if not why:
            _prepare(db, path)
            bring_up_to_date(db, version)
            _set_clean(db, False)
        return ProjectFile(path, db, why, crashed, lock)


@contextmanager
def _opening(path: Path) -> Iterator[None]:
    """Turn what SQLite says about a file into a sentence."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise ProjectUnusable(
                f"{path.name} is in use by another program.",
                "Close it there, or wait a moment.",
            ) from error
        if "unable to open" in str(error):
            raise ProjectUnusable(
                f"{path.name} cannot be opened.",
                "Check that you may read it, and that its drive is there.",
            ) from error
        raise ProjectDamaged(f"{path.name} is damaged.", RESCUE_HINT) from error
    except (sqlite3.Error, TypeError, ValueError) as error:
        raise ProjectDamaged(f"{path.name} is damaged.", RESCUE_HINT) from error


def _check_header(path: Path) -> None:
    """Refuse what is no project, before SQLite touches it."""
    try:
        with path.open("rb") as file:
            start = file.read(_HEADER)
    except FileNotFoundError as error:
        raise ProjectUnusable(
            f"There is no {path.name} in {path.parent}.", "It may have been moved."
        ) from error
    except OSError as error:
        raise ProjectUnusable(
            f"{path.name} cannot be opened: {error.strerror or error}."
        ) from error
    ours = int.from_bytes(start[_IDENTITY], "big") == APPLICATION_ID
    if start.startswith(_MAGIC) and ours:
        return
    if path.suffix == SUFFIX and (ours or start.startswith(_MAGIC)):
        raise ProjectDamaged(f"{path.name} is damaged at its start.", RESCUE_HINT)
    raise ProjectUnusable(
        f"{path.name} is not a project of Cellpose Studio.",
        "Images and folders of images are opened with File > Open, too.",
    )


def _locked(path: Path) -> tuple[FileLock | None, str]:
    """Return the lock that makes us the one who writes, or why we cannot."""
    lock = FileLock(_lock_file(path), thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None, (
            f"{path.name} is open in another window. Changes made here are not saved, "
            "unless you save the project under another name (Ctrl+S)."
        )
    except OSError:
        return None, (
            f"The folder {path.parent} is read-only. Changes are not saved, unless you "
            "save the project elsewhere (Ctrl+S)."
        )
    if not _writable(path):
        lock.release()
        return None, (
            f"{path.name} is read-only. Changes are not saved, unless you save the "
            "project under another name (Ctrl+S)."
        )
    return lock, ""


def _writable(path: Path) -> bool:
    try:
        with path.open("rb+"):
            return True
    except OSError:
        return False


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    db = sqlite3.connect(
        f"file:{quote(str(path.resolve()))}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=_BUSY_SECONDS,
    )
    # A file from somebody else must not run anything of its own.
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    db.execute("PRAGMA foreign_keys = ON")
    return db


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    """Choose how changes become durable: shared memory works on local disks only."""
    mode = "DELETE" if is_on_network(path) else "WAL"
    db.execute(f"PRAGMA journal_mode = {mode}").fetchone()
    db.execute("PRAGMA synchronous = FULL")


def _check_integrity(db: sqlite3.Connection, path: Path) -> None:
    answer = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if answer != "ok":
        raise ProjectDamaged(f"{path.name} is damaged.", RESCUE_HINT)


def _meta(db: sqlite3.Connection, key: str) -> str | None:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def _set_clean(db: sqlite3.Connection, clean: bool) -> None:
    db.execute(
        "INSERT INTO meta VALUES ('clean', ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (str(int(clean)),),
    )
