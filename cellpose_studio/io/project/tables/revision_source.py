"""How a revision follows from earlier ones: by edits, or as a copy."""

from __future__ import annotations

import hashlib
import sqlite3

from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.io.project.checksums import check
from cellpose_studio.io.project.reading import loaded, reading
from cellpose_studio.io.project.tables.delta import unpacked_parts


def read_sealed_edits(db: sqlite3.Connection, revision: int) -> list[LabelEdit]:
    """Return the edits between the parent of ``revision`` and itself, in order.

    Raises
    ------
    ProjectDamaged
    """
    with reading("the edits of a revision"):
        rows = db.execute(
            "SELECT operation, cells, delta_sha256, delta FROM journal "
            "WHERE sealed = ? AND delta IS NOT NULL ORDER BY id",
            (revision,),
        )
        return [_edit(*row) for row in rows]


def copied_from(db: sqlite3.Connection, revision: int) -> int | None:
    """Return the id of the last earlier revision of the same run and the same masks.

    None without one.

    Raises
    ------
    ProjectDamaged
    """
    with reading("the history"):
        row = db.execute(
            "SELECT max(earlier.id) FROM revision AS earlier JOIN revision AS copy "
            "ON earlier.label_set = copy.label_set AND earlier.id < copy.id "
            "AND earlier.run IS copy.run "
            "AND earlier.chunks_sha256 = copy.chunks_sha256 WHERE copy.id = ?",
            (revision,),
        ).fetchone()
        return None if row[0] is None else int(row[0])


def _edit(operation: str, cells: str, sha256: bytes, delta: bytes) -> LabelEdit:
    check(sha256, hashlib.sha256(delta).digest())
    ids = tuple(int(cell) for cell in loaded(cells))
    return LabelEdit(str(operation), ids, unpacked_parts(delta))
