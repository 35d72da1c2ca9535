"""Origin of a revision: the edits since its parent, or the revision it copies."""

from __future__ import annotations

import hashlib
import sqlite3

from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.io.project.checksums import check
from cellpose_studio.io.project.reading import from_json, reading
from cellpose_studio.io.project.tables.delta import unpack_parts
from cellpose_studio.io.project.tables.journal import pixels_of


def read_sealed_edits(db: sqlite3.Connection, revision: int) -> list[LabelEdit]:
    """Return the edits between the parent of ``revision`` and ``revision``, in order.

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
        pixels = pixels_of(db, revision) or 0
        return [_edit(pixels, *row) for row in rows]


def copied_from(db: sqlite3.Connection, revision: int) -> int | None:
    """Return the id of the last earlier revision with the same run and masks.

    None without one.

    Raises
    ------
    ProjectDamaged
    """
    with reading("the history"):
        # IS also matches two revisions without a run, where = would yield NULL.
        row = db.execute(
            "SELECT max(earlier.id) FROM revision AS earlier JOIN revision AS copy "
            "ON earlier.label_set = copy.label_set AND earlier.id < copy.id "
            "AND earlier.run IS copy.run "
            "AND earlier.chunks_sha256 = copy.chunks_sha256 WHERE copy.id = ?",
            (revision,),
        ).fetchone()
        return None if row[0] is None else int(row[0])


def _edit(
    pixels: int, operation: str, cells: str, sha256: bytes, delta: bytes
) -> LabelEdit:
    check(sha256, hashlib.sha256(delta).digest())
    ids = tuple(int(cell) for cell in from_json(cells))
    return LabelEdit(str(operation), ids, unpack_parts(delta, pixels))
