"""The edits that went into a revision."""

from __future__ import annotations

import sqlite3

from cellpose_studio.core.edit import LabelEdit
from cellpose_studio.io.project.delta import unpacked_parts
from cellpose_studio.io.project.reading import loaded, reading


def read_sealed_edits(db: sqlite3.Connection, revision: int) -> list[LabelEdit]:
    """Return the edits between the parent of ``revision`` and itself, in order.

    Raises
    ------
    ProjectDamaged
    """
    with reading("the edits of a revision"):
        rows = db.execute(
            "SELECT operation, cells, delta FROM journal "
            "WHERE sealed = ? AND delta IS NOT NULL ORDER BY id",
            (revision,),
        )
        return [
            LabelEdit(
                str(operation),
                tuple(int(cell) for cell in loaded(cells)),
                unpacked_parts(delta),
            )
            for operation, cells, delta in rows
        ]
