"""The table of the status of cells: accepted, rejected, or for later."""

from __future__ import annotations

import sqlite3

from cellpose_studio.core.provenance.revision import CellStatus
from cellpose_studio.io.project.checksums import check, row_sha256
from cellpose_studio.io.project.reading import reading


def write_statuses(
    db: sqlite3.Connection, label_set: int, statuses: dict[int, CellStatus | None]
) -> None:
    """Set the status of cells of a label set; None removes it."""
    for cell, status in statuses.items():
        db.execute("DELETE FROM cell WHERE label_set = ? AND id = ?", (label_set, cell))
        if status is not None:
            row = label_set, cell, status
            db.execute("INSERT INTO cell VALUES (?, ?, ?, ?)", (*row, row_sha256(*row)))


def read_all_statuses(db: sqlite3.Connection) -> dict[int, dict[int, CellStatus]]:
    """Return the status of cells by label set and id; raises `ProjectDamaged`."""
    found: dict[int, dict[int, CellStatus]] = {}
    with reading("the status of cells"):
        for *row, sha256 in db.execute("SELECT * FROM cell"):
            check(sha256, row_sha256(*row))
            label_set, cell, status = row
            found.setdefault(label_set, {})[cell] = status
    return found
