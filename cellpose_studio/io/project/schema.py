"""The tables of a project file, version by version."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache

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

_VERSIONS = (_VERSION_1,)

VERSION = len(_VERSIONS)
"""The newest version; older files are migrated to it."""


def migrate(db: sqlite3.Connection, version: int) -> None:
    """Migrate the schema from ``version`` to the newest; 0 is an empty file."""
    for number, script in enumerate(_VERSIONS[version:], start=version + 1):
        # The script needs its own BEGIN and COMMIT, since executescript() opens no
        # transaction. The tables and their version thus change together or not at all.
        db.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")


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
