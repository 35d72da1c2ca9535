"""Transactions on an open project, guarded against a replaced file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cellpose_studio.core.errors import StudioError
from cellpose_studio.io.project.database import (
    check_header,
    connect_to_project,
    prepare,
)
from cellpose_studio.io.project.file import ProjectFile
from cellpose_studio.io.project.identity import (
    Identity,
    count_commit,
    identity_of,
    place_of,
)


@contextmanager
def transaction(file: ProjectFile) -> Iterator[sqlite3.Connection]:
    """Commit the writes of the block durably, or roll them back if it raises.

    Raises
    ------
    OSError
        If the file was moved, deleted or replaced.
    sqlite3.Error
    """
    db = file.db
    file.check_place()
    # This takes the write lock at once. A transaction that reads first could be refused
    # when it comes to write.
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
        identity = count_commit(db, file.identity)
        # The file may have been replaced during the block: a commit would be lost.
        file.check_place()
        db.execute("COMMIT")
    # Not even an interrupt may leave the transaction open, because the next BEGIN would
    # fail.
    except BaseException:
        # After some errors, such as a full disk, SQLite has already rolled back by
        # itself.
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    # The identity is that of the content on the disk, so it changes only after the
    # commit.
    file.identity = identity


def reconnect(file: ProjectFile) -> None:
    """Reopen the database of ``file``; nothing changes if that fails.

    Another project, or an earlier copy of this one, is not accepted.
    """
    if file.read_only:
        return
    with suppress(sqlite3.Error, OSError, ValueError, StudioError):
        check_header(file.path)
        db, identity = _same_project(file)
        prepare(db, file.path)
        old, file.db = file.db, db
        file.identity, file.place = identity, place_of(file.path)
        # The old connection is closed last: until here, a failure changes nothing.
        old.close()


def _same_project(file: ProjectFile) -> tuple[sqlite3.Connection, Identity]:
    """Connect to the path of ``file``; `ValueError` for another project."""
    db = connect_to_project(file.path, "rw")
    try:
        identity = identity_of(db)
        if not identity.continues(file.identity):
            raise ValueError("another project, or an earlier copy of this one")
    except BaseException:
        db.close()
        raise
    return db, identity
