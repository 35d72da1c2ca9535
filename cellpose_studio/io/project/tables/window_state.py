"""Stored states: of the window, and of what has no table of its own."""

from __future__ import annotations

import sqlite3
from typing import Any

from cellpose_studio.io.project.reading import from_json, reading, to_json

WINDOW = "window"
"""Name of the state of the window."""

DISPLAYS = "displays"
"""Key in it of the display settings of channels, by the ids of images."""

_PREFIX = "state/"
"""Keeps these keys apart from those of the file itself, such as clean."""


def write_state(db: sqlite3.Connection, name: str, value: dict[str, Any]) -> None:
    """Store a state under a name."""
    db.execute(
        "INSERT INTO meta VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (f"{_PREFIX}{name}", to_json(value)),
    )


def read_states(db: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """Return all states by their names; raises `ProjectDamaged`."""
    with reading("the state of the window"):
        rows = db.execute("SELECT key, value FROM meta ORDER BY key").fetchall()
        return {
            str(key).removeprefix(_PREFIX): dict(from_json(value))
            for key, value in rows
            if str(key).startswith(_PREFIX)
        }


def read_state(db: sqlite3.Connection, name: str) -> dict[str, Any]:
    """Return the state of a name; empty if it was never stored."""
    return read_states(db).get(name, {})
