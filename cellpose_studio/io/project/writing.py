"""Transactions on an open project, guarded against a replaced file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cellpose_studio.core.errors import StudioError
from cellpose_studio.io.project.database import connect_to_project, prepare
from cellpose_studio.io.project.file import ProjectFile
from cellpose_studio.io.project.identity import Identity, count_commit
from cellpose_studio.io.project.recovery.belonging import examine


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
    file.check_files()
    # This takes the write lock at once. A transaction that reads first could be refused
    # when it comes to write.
    db.execute("BEGIN IMMEDIATE")
    try:
        identity = count_commit(db)
        yield db
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
    file.committed(identity)


def reconnect(file: ProjectFile) -> None:
    """Reopen the database of ``file``; nothing changes if that fails.

    Another project, or another state of this one, is not what we go on in.
    """
    if file.read_only:
        return
    with suppress(sqlite3.Error, OSError, ValueError, StudioError):
        found = examine(file.path, in_use=True)
        if found.foreign or not _goes_on(found.tip, file.identity):
            return
        old = file.db
        db = connect_to_project(file.path, "rw")
        try:
            prepare(db, file.path)
            file.use(db)
        except BaseException:
            db.close()
            raise
        old.close()


def _goes_on(found: Identity | None, ours: Identity) -> bool:
    """Return whether a project is at our state, or at that of a commit that failed.

    It may have been written all the same.
    """
    return found is not None and (found.is_state_of(ours) or found.follows(ours))
