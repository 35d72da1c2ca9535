"""Identity of a project: its id, its number of transactions, and its inode."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path

_KEEP = "ON CONFLICT (key) DO NOTHING"
_REPLACE = "ON CONFLICT (key) DO UPDATE SET value = excluded.value"


@dataclass(frozen=True)
class Identity:
    """Distinguishes a project from others, and from earlier copies of itself.

    Attributes
    ----------
    project
        A random id; empty in a file that was never written to.
    commits
        Number of transactions so far.
    """

    project: str = ""
    commits: int = 0

    def continues(self, earlier: Identity) -> bool:
        """Return whether this is ``earlier``, with all its transactions."""
        return self.project == earlier.project and self.commits >= earlier.commits


def identify(db: sqlite3.Connection, anew: bool = False) -> None:
    """Give a project an id; ``anew`` replaces the id of a copied project."""
    db.execute(
        f"INSERT INTO meta VALUES ('id', ?) {_REPLACE if anew else _KEEP}",  # noqa: S608
        (secrets.token_hex(16),),
    )


def identity_of(db: sqlite3.Connection) -> Identity:
    """Return the identity of a project; `ValueError` if it is damaged."""
    rows = db.execute("SELECT key, value FROM meta WHERE key IN ('id', 'commits')")
    found = dict(rows.fetchall())
    return Identity(str(found.get("id", "")), int(found.get("commits", 0)))


def count_commit(db: sqlite3.Connection, before: Identity) -> Identity:
    """Count the current transaction; return the identity after it."""
    number = before.commits + 1
    db.execute(f"INSERT INTO meta VALUES ('commits', ?) {_REPLACE}", (str(number),))  # noqa: S608
    return Identity(before.project, number)


def place_of(path: Path) -> tuple[int, int]:
    """Return device and inode, which distinguish files at the same path."""
    found = path.stat()
    return found.st_dev, found.st_ino
