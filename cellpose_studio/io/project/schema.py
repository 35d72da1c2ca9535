"""The tables of a project file, version by version."""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import closing
from functools import cache

from cellpose_studio.io.project.checksums import row_sha256

APPLICATION_ID = 0x43705374  # "CpSt"

# At opening, the definitions in a file are compared with these character by character.
# A change of this text would make all existing files invalid.
_VERSION_1 = """
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE image (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    relative TEXT,
    scene TEXT NOT NULL,
    shape TEXT NOT NULL,
    dtype TEXT NOT NULL,
    file_axes TEXT NOT NULL,
    asked_axes TEXT,
    pixel_size_um TEXT NOT NULL,
    channel_names TEXT NOT NULL,
    rgb INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    active TEXT NOT NULL,
    reviewed INTEGER NOT NULL DEFAULT 0,
    hidden INTEGER NOT NULL DEFAULT 0,
    sha256 BLOB NOT NULL
);

CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    image INTEGER NOT NULL REFERENCES image(id),
    started TEXT NOT NULL,
    outcome TEXT NOT NULL,
    record TEXT NOT NULL,
    sha256 BLOB NOT NULL
);

CREATE TABLE label_set (
    id INTEGER PRIMARY KEY,
    image INTEGER NOT NULL REFERENCES image(id),
    name TEXT NOT NULL,
    head INTEGER REFERENCES revision(id),
    cells INTEGER NOT NULL DEFAULT 0,
    highest INTEGER NOT NULL DEFAULT 0,
    sha256 BLOB NOT NULL,
    UNIQUE (image, name)
);

CREATE TABLE revision (
    id INTEGER PRIMARY KEY,
    label_set INTEGER NOT NULL REFERENCES label_set(id),
    parent INTEGER REFERENCES revision(id),
    kind TEXT NOT NULL,
    created TEXT NOT NULL,
    origin TEXT NOT NULL,
    shape TEXT NOT NULL,
    cells INTEGER NOT NULL,
    run INTEGER REFERENCES run(id),
    parameters TEXT,
    details TEXT NOT NULL,
    author TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    sha256 BLOB NOT NULL,
    chunks_sha256 BLOB NOT NULL,
    thumbnail BLOB
);
CREATE INDEX revision_of_label_set ON revision(label_set);

CREATE TABLE confidence (
    revision INTEGER PRIMARY KEY REFERENCES revision(id),
    cells INTEGER NOT NULL,
    candidates INTEGER NOT NULL,
    misfits INTEGER NOT NULL,
    data BLOB NOT NULL
);

CREATE TABLE chunk (
    sha256 BLOB PRIMARY KEY,
    data BLOB NOT NULL
);

CREATE TABLE revision_chunk (
    revision INTEGER NOT NULL REFERENCES revision(id),
    plane INTEGER NOT NULL,
    "row" INTEGER NOT NULL,
    "column" INTEGER NOT NULL,
    chunk BLOB NOT NULL REFERENCES chunk(sha256),
    PRIMARY KEY (revision, plane, "row", "column")
) WITHOUT ROWID;

CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    label_set INTEGER NOT NULL REFERENCES label_set(id),
    base INTEGER REFERENCES revision(id),
    operation TEXT NOT NULL,
    cells TEXT NOT NULL,
    time TEXT NOT NULL,
    undoes INTEGER REFERENCES journal(id),
    head INTEGER REFERENCES revision(id),
    statuses TEXT,
    delta_sha256 BLOB,
    sealed INTEGER REFERENCES revision(id),
    sha256 BLOB NOT NULL,
    delta BLOB
);
CREATE INDEX journal_of_label_set ON journal(label_set, base);

CREATE TABLE cell (
    label_set INTEGER NOT NULL REFERENCES label_set(id),
    id INTEGER NOT NULL,
    status TEXT NOT NULL,
    PRIMARY KEY (label_set, id)
) WITHOUT ROWID;

CREATE TABLE preset (
    name TEXT PRIMARY KEY,
    model TEXT NOT NULL,
    parameters TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE training (
    name TEXT NOT NULL,
    label_set INTEGER NOT NULL REFERENCES label_set(id),
    revision INTEGER REFERENCES revision(id),
    role TEXT NOT NULL,
    PRIMARY KEY (name, label_set)
) WITHOUT ROWID;

CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    image INTEGER NOT NULL REFERENCES image(id),
    state TEXT NOT NULL,
    model TEXT NOT NULL,
    parameters TEXT NOT NULL,
    message TEXT NOT NULL DEFAULT ''
);
"""

_VERSION_2 = """
CREATE TABLE identity (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    project TEXT NOT NULL,
    commits INTEGER NOT NULL,
    mark TEXT NOT NULL,
    parent TEXT NOT NULL
);

DROP TABLE cell;
CREATE TABLE cell (
    label_set INTEGER NOT NULL REFERENCES label_set(id),
    id INTEGER NOT NULL,
    status TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    PRIMARY KEY (label_set, id)
) WITHOUT ROWID;

DROP TABLE preset;
CREATE TABLE preset (
    name TEXT PRIMARY KEY,
    model TEXT NOT NULL,
    parameters TEXT NOT NULL,
    sha256 BLOB NOT NULL
) WITHOUT ROWID;

DROP TABLE training;
CREATE TABLE training (
    name TEXT NOT NULL,
    label_set INTEGER NOT NULL REFERENCES label_set(id),
    revision INTEGER REFERENCES revision(id),
    role TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    PRIMARY KEY (name, label_set)
) WITHOUT ROWID;

DROP TABLE batch;
CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    image INTEGER NOT NULL REFERENCES image(id),
    state TEXT NOT NULL,
    model TEXT NOT NULL,
    parameters TEXT NOT NULL,
    message TEXT NOT NULL DEFAULT '',
    sha256 BLOB NOT NULL
);
"""

_VERSION_3 = """
CREATE TABLE division (
    label_set INTEGER NOT NULL REFERENCES label_set(id),
    daughter INTEGER NOT NULL,
    mother INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    PRIMARY KEY (label_set, daughter)
) WITHOUT ROWID;

CREATE TABLE cell_class (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    colour TEXT NOT NULL,
    key INTEGER NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0,
    sha256 BLOB NOT NULL
);

CREATE TABLE classifier (
    id INTEGER PRIMARY KEY,
    record TEXT NOT NULL,
    sha256 BLOB NOT NULL
);

CREATE TABLE classified (
    label_set INTEGER NOT NULL REFERENCES label_set(id),
    id INTEGER NOT NULL,
    class INTEGER NOT NULL REFERENCES cell_class(id),
    probability INTEGER,
    classifier INTEGER REFERENCES classifier(id),
    sha256 BLOB NOT NULL,
    PRIMARY KEY (label_set, id)
) WITHOUT ROWID;

CREATE TABLE training_marks (
    label_set INTEGER PRIMARY KEY REFERENCES label_set(id),
    marks TEXT NOT NULL,
    sha256 BLOB NOT NULL
);

CREATE TABLE training_round (
    id INTEGER PRIMARY KEY,
    record TEXT NOT NULL,
    sha256 BLOB NOT NULL
);
"""

_VERSIONS = (_VERSION_1, _VERSION_2, _VERSION_3)

VERSION = len(_VERSIONS)
"""The newest version; older files are migrated to it."""


def migrate(db: sqlite3.Connection, version: int, last: int = VERSION) -> None:
    """Make the tables that came after ``version``, in the transaction of the caller.

    0 is an empty file. Rows that have no checksum yet get one.
    """
    for number, script in enumerate(_VERSIONS[version:last], start=version + 1):
        kept = _rows_without_checksum(db) if number == _FIRST_WITH_IDENTITY else {}
        for statement in script.split(";"):
            db.execute(statement)
        for table, rows in kept.items():
            _write_with_checksum(db, table, rows)
        if number == _FIRST_WITH_IDENTITY:
            _write_identity(db)
        db.execute(f"PRAGMA user_version = {number}")


def show_as_newest(db: sqlite3.Connection) -> None:
    """Let a connection for reading see a file of an earlier version as the newest one.

    Temporary tables, which are in memory, hide those that were others then: rows get
    their checksums, and tables that came later are empty. The file stays as it is.
    """
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if not 0 < version < VERSION:
        return
    db.execute("PRAGMA temp_store = MEMORY")
    # A temporary table has no foreign keys into the file.
    db.execute("PRAGMA foreign_keys = OFF")
    then = tables(version)
    for kind, name, _, sql in tables(VERSION) - then:
        if kind != "table" or name == _IDENTITY:
            continue
        db.execute(sql.replace("CREATE TABLE", "CREATE TEMP TABLE", 1))
        if name in _WITHOUT_CHECKSUM and version < _FIRST_WITH_IDENTITY:
            rows = db.execute(f"SELECT * FROM main.{name}").fetchall()  # noqa: S608
            _write_with_checksum(db, name, rows)


_FIRST_WITH_IDENTITY = 2
_IDENTITY = "identity"
"""The table that says which project a file is; read from ``meta`` where it lacks."""
_WITHOUT_CHECKSUM = ("cell", "preset", "training", "batch")


def _rows_without_checksum(
    db: sqlite3.Connection,
) -> dict[str, list[tuple[object, ...]]]:
    return {
        table: db.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
        for table in _WITHOUT_CHECKSUM
    }


def _write_with_checksum(
    db: sqlite3.Connection, table: str, rows: list[tuple[object, ...]]
) -> None:
    for row in rows:
        marks = ", ".join("?" * (len(row) + 1))
        db.execute(
            f"INSERT INTO {table} VALUES ({marks})",  # noqa: S608
            (*row, row_sha256(*row)),
        )


def _write_identity(db: sqlite3.Connection) -> None:
    """Move what ``meta`` says of a project to a table of one row, and one page."""
    of_old = "SELECT value FROM meta WHERE key = ?"
    name, commits = (
        (db.execute(of_old, (key,)).fetchone() or ("",))[0] for key in ("id", "commits")
    )
    db.execute(
        "INSERT INTO identity VALUES (1, ?, ?, '', '')",
        (name or secrets.token_hex(16), int(commits or 0)),
    )
    db.execute("DELETE FROM meta WHERE key IN ('id', 'commits')")


@cache
def tables(version: int) -> frozenset[tuple[str, ...]]:
    """Return the schema of ``version``: type, names and definition of each element."""
    # SQLite may store a definition with another spacing than it was given, so it is
    # asked for what it stores.
    with closing(sqlite3.connect(":memory:")) as db:
        for script in _VERSIONS[:version]:
            db.executescript(script)
        return tables_in(db)


def tables_in(db: sqlite3.Connection) -> frozenset[tuple[str, ...]]:
    """Return the schema of a file, in the form of `tables`."""
    return frozenset(db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))
