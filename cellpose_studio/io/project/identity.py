"""Identity of a project: its id, its number of transactions, and its inode."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path

_MARK_BYTES = 16


@dataclass(frozen=True)
class Identity:
    """What tells a project from others, and from other states of itself.

    Attributes
    ----------
    project
        A random id; empty in a file that was never written to.
    commits
        How many transactions there were.
    mark
        A random name of the last one; empty where an older program wrote.
    parent
        That of the one before it.
    """

    project: str = ""
    commits: int = 0
    mark: str = ""
    parent: str = ""

    def is_state_of(self, other: Identity) -> bool:
        """Return whether both are the same state of the same project."""
        return (self.project, self.commits, self.mark) == (
            other.project,
            other.commits,
            other.mark,
        )

    def follows(self, earlier: Identity) -> bool:
        """Return whether one transaction leads from ``earlier`` to this state."""
        return (self.project, self.commits, self.parent) == (
            earlier.project,
            earlier.commits + 1,
            earlier.mark,
        )


def rename_project(db: sqlite3.Connection) -> None:
    """Give a project that is a copy of another a name of its own."""
    db.execute("UPDATE identity SET project = ?", (secrets.token_hex(16),))


def identity_of(db: sqlite3.Connection) -> Identity:
    """Return the identity of a project; `ValueError` if it makes no sense."""
    has_table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'identity'"
    if db.execute(has_table).fetchone():
        row = db.execute("SELECT * FROM identity").fetchone()
        if row is None:
            raise ValueError("a project without identity")
        _, project, commits, mark, parent = row
        return Identity(str(project), int(commits), str(mark), str(parent))
    # The first version had it among the settings.
    rows = db.execute("SELECT key, value FROM meta WHERE key IN ('id', 'commits')")
    found = dict(rows.fetchall())
    return Identity(str(found.get("id", "")), int(found.get("commits", 0)))


def count_commit(db: sqlite3.Connection) -> Identity:
    """Count one more transaction, in it; return the identity that it makes.

    To be called first in a transaction: a rollback journal tells then which state it
    leads back to, however far the transaction came.
    """
    before = identity_of(db)
    mark = secrets.token_hex(_MARK_BYTES)
    after = Identity(before.project, before.commits + 1, mark, before.mark)
    db.execute(
        "UPDATE identity SET commits = ?, mark = ?, parent = ?",
        (after.commits, after.mark, after.parent),
    )
    return after


def place_of(path: Path) -> tuple[int, int]:
    """Return device and inode, which distinguish files at the same path."""
    found = path.stat()
    return found.st_dev, found.st_ino
