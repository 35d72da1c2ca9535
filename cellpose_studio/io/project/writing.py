"""Transactions of an open project, which must still be the one that was opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cellpose_studio.core.errors import StudioError
from cellpose_studio.io.project.database import (
    check_header,
    connected_to_ours,
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
    """Make what the block writes durable, or undo it if it raises.

    Raises
    ------
    OSError
        If the file is not in its place any more.
    sqlite3.Error
    """
    db = file.db
    file.check_place()
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
        identity = count_commit(db, file.identity)
        file.check_place()
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    file.identity = identity


def reconnect(file: ProjectFile) -> None:
    """Open the database of ``file`` again; nothing changes where that fails.

    Another project, or an earlier copy of this one, is not what we go on in.
    """
    if file.read_only:
        return
    with suppress(sqlite3.Error, OSError, ValueError, StudioError):
        check_header(file.path)
        db, identity = _same_project(file)
        prepare(db, file.path)
        old, file.db = file.db, db
        file.identity, file.place = identity, place_of(file.path)
        old.close()


def _same_project(file: ProjectFile) -> tuple[sqlite3.Connection, Identity]:
    """Connect to what is at the path of ``file``; `ValueError` if it is another."""
    db = connected_to_ours(file.path, "rw")
    try:
        identity = identity_of(db)
        if not identity.goes_on(file.identity):
            raise ValueError("another project, or an earlier copy of this one")
    except BaseException:
        db.close()
        raise
    return db, identity
