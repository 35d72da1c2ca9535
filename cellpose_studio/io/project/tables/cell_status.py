"""The table of the status of cells: accepted, rejected, or for later."""

from __future__ import annotations

import sqlite3

from cellpose_studio.core.provenance.revision import CellStatus
from cellpose_studio.io.project.reading import reading


def write_statuses(
    db: sqlite3.Connection, label_set: int, statuses: dict[int, CellStatus | None]
) -> None:
    """Set the status of cells of a label set; None removes it."""
    for cell, status in statuses.items():
        db.execute("DELETE FROM cell WHERE label_set = ? AND id = ?", (label_set, cell))
        if status is not None:
            db.execute("INSERT INTO cell VALUES (?, ?, ?)", (label_set, cell, status))


def read_all_statuses(db: sqlite3.Connection) -> dict[int, dict[int, CellStatus]]:
    """Return the status of cells by label set and id; raises `ProjectDamaged`."""
    found: dict[int, dict[int, CellStatus]] = {}
    with reading("the status of cells"):
        for label_set, cell, status in db.execute("SELECT * FROM cell"):
            found.setdefault(label_set, {})[cell] = status
    return found
