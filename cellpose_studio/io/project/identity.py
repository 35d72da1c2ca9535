"""Which project a file is, how far it has come, and where on the disk it lies."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path

_KEEP = "ON CONFLICT (key) DO NOTHING"
_REPLACE = "ON CONFLICT (key) DO UPDATE SET value = excluded.value"


@dataclass(frozen=True)
class Identity:
    """What tells a project from others, and from earlier copies of itself.

    Attributes
    ----------
    project
        A random name; empty in a file that was never written to.
    commits
        How many transactions there were.
    """

    project: str = ""
    commits: int = 0

    def goes_on(self, earlier: Identity) -> bool:
        """Return whether this is the project of ``earlier`` with all that it had."""
        return self.project == earlier.project and self.commits >= earlier.commits


def identify(db: sqlite3.Connection, anew: bool = False) -> None:
    """Give a project a name of its own; ``anew`` if it is a copy of another."""
    db.execute(
        f"INSERT INTO meta VALUES ('id', ?) {_REPLACE if anew else _KEEP}",  # noqa: S608
        (secrets.token_hex(16),),
    )


def identity_of(db: sqlite3.Connection) -> Identity:
    """Return the identity of a project; `ValueError` if it makes no sense."""
    rows = db.execute("SELECT key, value FROM meta WHERE key IN ('id', 'commits')")
    found = dict(rows.fetchall())
    return Identity(str(found.get("id", "")), int(found.get("commits", 0)))


def count_commit(db: sqlite3.Connection, before: Identity) -> Identity:
    """Count one more transaction, in it; return the identity that it makes."""
    number = before.commits + 1
    db.execute(f"INSERT INTO meta VALUES ('commits', ?) {_REPLACE}", (str(number),))  # noqa: S608
    return Identity(before.project, number)


def place_of(path: Path) -> tuple[int, int]:
    """Return what tells a file from another one at the same path."""
    found = path.stat()
    return found.st_dev, found.st_ino
