"""The SQLite database of a project: connections and validation."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from weakref import WeakSet

from cellpose_studio.core.errors import ProjectDamaged, ProjectUnusable
from cellpose_studio.io.network_drive import is_on_network
from cellpose_studio.io.project.reading import RESCUE_HINTS
from cellpose_studio.io.project.schema import APPLICATION_ID, VERSION, tables, tables_in
from cellpose_studio.paths import real_path, special_kind

SUFFIX = ".cpstudio"

ALONE = "ro&immutable=1"
"""The mode of a connection to the file itself, without locks and what is beside it."""

_MAGIC = b"SQLite format 3\0"
_BUSY_SECONDS = 5.0
_IDENTITY = slice(68, 72)
_HEADER = 100


class Connection(sqlite3.Connection):
    """A connection whose end is one, whoever still holds a result of it.

    SQLite keeps the locks of a file for as long as a statement is not done; an error
    that is kept has a cursor in its traceback.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._cursors: WeakSet[sqlite3.Cursor] = WeakSet()

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Execute a statement, as `sqlite3.Connection` does."""
        cursor = self.cursor()
        self._cursors.add(cursor)
        return cursor.execute(sql, parameters)

    def end_statements(self) -> None:
        """Give up every result that has not been read to its end."""
        for cursor in list(self._cursors):
            cursor.close()

    def close(self) -> None:
        """Close the connection, and all results of it."""
        self.end_statements()
        super().close()


def check_header(path: Path) -> None:
    """Refuse files that are not projects, before SQLite opens them.

    Raises
    ------
    ProjectUnusable, ProjectDamaged
    """
    start = _start_of(path)
    ours = int.from_bytes(start[_IDENTITY], "big") == APPLICATION_ID
    if start.startswith(_MAGIC) and ours:
        return
    if path.suffix == SUFFIX and (ours or start.startswith(_MAGIC)):
        raise ProjectDamaged(f"{path.name} is damaged at its start.", *RESCUE_HINTS)
    raise ProjectUnusable(
        f"{path.name} is not a project of Cellpose Studio.",
        "Use File > Open for images and folders of images.",
    )


@contextmanager
def readable_errors(path: Path) -> Iterator[None]:
    """Convert errors of SQLite to errors with a sentence for the user."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise _refusal(path, str(error)) from error
    except (sqlite3.Error, TypeError, ValueError) as error:
        raise _damaged(path) from error


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Return a connection in autocommit mode; ``mode`` is "rw" or "ro".

    With `ALONE`, whatever lies beside the file is passed over.
    """
    db = sqlite3.connect(
        # On Linux, the name of a folder may be bytes that are not valid text.
        f"file:{quote(os.fsencode(real_path(path)))}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        factory=Connection,
        timeout=_BUSY_SECONDS,
    )
    # A file from somebody else must not be able to execute anything.
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    db.execute("PRAGMA foreign_keys = ON")
    return db


def connect_to_project(path: Path, mode: str) -> sqlite3.Connection:
    """Connect to a file with the tables of a project; `ValueError` if it has none."""
    db = connect(path, mode)
    try:
        check_tables(db, version_of(db))
    except BaseException:
        db.close()
        raise
    return db


def prepare(db: sqlite3.Connection, path: Path) -> None:
    """Set the journal mode: WAL needs shared memory, which only local disks have."""
    mode = "DELETE" if is_on_network(path) else "WAL"
    db.execute(f"PRAGMA journal_mode = {mode}").fetchone()
    db.execute("PRAGMA synchronous = FULL")
    # Checkpoints are made only after the file was checked, not by any commit.
    db.execute("PRAGMA wal_autocheckpoint = 0").fetchone()
    # A log that begins anew is cut off, so that its size tells when one is needed.
    db.execute("PRAGMA journal_size_limit = 0").fetchone()


def uses_log(db: sqlite3.Connection) -> bool:
    """Return whether changes go to a write-ahead log."""
    return bool(db.execute("PRAGMA journal_mode").fetchone()[0] == "wal")


def into_file(db: sqlite3.Connection) -> None:
    """Put what is in the log into the file, as far as nobody reads what was before."""
    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def checkpoint_to_single_file(db: sqlite3.Connection) -> None:
    """Checkpoint the write-ahead log into the file, and remove the sidecar files.

    A reader in another window prevents the removal, but not the checkpoint.
    """
    if isinstance(db, Connection):
        db.end_statements()
    # Whoever reads may go on for long.
    db.execute("PRAGMA busy_timeout = 100")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    db.execute("PRAGMA journal_mode = DELETE")


def version_of(db: sqlite3.Connection) -> int:
    """Return the schema version of a file."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def is_newer(db: sqlite3.Connection) -> bool:
    """Return whether the file was written by a newer version of the program."""
    return version_of(db) > VERSION


def check_tables(db: sqlite3.Connection, version: int) -> None:
    """Raise `ValueError` unless the file has the expected tables and nothing active.

    Triggers could change what is written, and views might never end.
    """
    found = tables_in(db)
    if version <= VERSION:
        fits = version > 0 and found == tables(version)
    else:
        fits = all(
            kind in ("table", "index") and "VIRTUAL" not in str(sql).upper()
            for kind, _, _, sql in found
        )
    if not fits:
        raise ValueError("the tables are not those of a project")


def check_integrity(db: sqlite3.Connection) -> None:
    """Raise `ValueError` if the structure of the file is damaged."""
    [(answer,)] = db.execute("PRAGMA quick_check(1)").fetchall()
    if answer != "ok":
        raise ValueError(answer)


def was_closed(db: sqlite3.Connection) -> bool:
    """Return whether the last writer closed the file properly."""
    row = db.execute("SELECT value FROM meta WHERE key = 'clean'").fetchone()
    return row is None or row[0] != "0"


def set_closed(db: sqlite3.Connection, closed: bool) -> None:
    """Record whether the file is closed, or open for writing."""
    db.execute(
        "INSERT INTO meta VALUES ('clean', ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (str(int(closed)),),
    )


def _start_of(path: Path) -> bytes:
    if kind := special_kind(path):
        raise ProjectUnusable(f"{path.name} is {kind}, not a project.")
    try:
        with path.open("rb") as file:
            return file.read(_HEADER)
    except FileNotFoundError as error:
        raise ProjectUnusable(
            f"{path.name} does not exist in {path.absolute().parent}.",
            "It may have been moved.",
        ) from error
    except OSError as error:
        raise ProjectUnusable(
            f"{path.name} cannot be opened: {error.strerror or error}."
        ) from error


def _refusal(path: Path, text: str) -> ProjectUnusable:
    if "locked" in text:
        return ProjectUnusable(
            f"{path.name} is in use by another program.",
            "Close it there, or wait a moment.",
        )
    if "unable to open" in text:
        return ProjectUnusable(
            f"{path.name} cannot be opened.",
            "Check your permission to read it, and that its drive is connected.",
        )
    return _damaged(path)


def _damaged(path: Path) -> ProjectDamaged:
    return ProjectDamaged(f"{path.name} is damaged.", *RESCUE_HINTS)
