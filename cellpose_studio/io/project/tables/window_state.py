"""The state of the window: what is shown, and where."""

from __future__ import annotations

import sqlite3
from typing import Any

from cellpose_studio.io.project.reading import dumped, loaded, reading


def write_state(db: sqlite3.Connection, name: str, value: dict[str, Any]) -> None:
    """Remember something about the window: what is shown, and where."""
    db.execute(
        "INSERT INTO meta VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (f"state/{name}", dumped(value)),
    )


def read_state(db: sqlite3.Connection, name: str) -> dict[str, Any]:
    """Return what was remembered; empty if nothing was, or it cannot be read."""
    with reading("the state of the window"):
        row = db.execute(
            "SELECT value FROM meta WHERE key = ?", (f"state/{name}",)
        ).fetchone()
        return dict(loaded(row[0])) if row is not None else {}
