"""The table of divisions: the mother of each daughter."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from cellpose_studio.io.project.checksums import check, row_sha256
from cellpose_studio.io.project.reading import reading


def write_mothers(
    db: sqlite3.Connection, label_set: int, mothers: Mapping[int, int | None]
) -> None:
    """Set the mothers of daughters of a label set; None removes the division."""
    for daughter, mother in mothers.items():
        db.execute(
            "DELETE FROM division WHERE label_set = ? AND daughter = ?",
            (label_set, daughter),
        )
        if mother is not None:
            row = label_set, daughter, mother
            db.execute(
                "INSERT INTO division VALUES (?, ?, ?, ?)", (*row, row_sha256(*row))
            )


def read_all_mothers(db: sqlite3.Connection) -> dict[int, dict[int, int]]:
    """Return the mother of each daughter, by label set; raises `ProjectDamaged`."""
    found: dict[int, dict[int, int]] = {}
    with reading("the divisions of cells"):
        for *row, sha256 in db.execute("SELECT * FROM division"):
            check(sha256, row_sha256(*row))
            label_set, daughter, mother = row
            found.setdefault(label_set, {})[daughter] = mother
    return found
