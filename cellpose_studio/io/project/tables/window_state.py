"""Stored state of the window: what is displayed, and where."""

from __future__ import annotations

import sqlite3
from typing import Any

from cellpose_studio.io.project.reading import from_json, reading, to_json


def write_state(db: sqlite3.Connection, name: str, value: dict[str, Any]) -> None:
    """Store a part of the window state under a name."""
    db.execute(
        "INSERT INTO meta VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        # The prefix keeps these keys apart from those of the file itself, such as
        # clean.
        (f"state/{name}", to_json(value)),
    )


def read_state(db: sqlite3.Connection, name: str) -> dict[str, Any]:
    """Return a part of the window state; empty if it was never stored."""
    with reading("the state of the window"):
        row = db.execute(
            "SELECT value FROM meta WHERE key = ?", (f"state/{name}",)
        ).fetchone()
        return dict(from_json(row[0])) if row is not None else {}
