"""Origin of a revision: the edits since its parent, or the revision it copies.

And what became of it: the masks with the edits that are in no revision yet.
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass

from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.provenance.hand_edits import in_force
from cellpose_studio.core.provenance.revision import LabelRevision
from cellpose_studio.io.project.checksums import check
from cellpose_studio.io.project.reading import from_json, reading
from cellpose_studio.io.project.tables.delta import unpack_parts
from cellpose_studio.io.project.tables.journal import (
    COLUMNS,
    edit_of_row,
    entry_of_row,
    pixels_of,
    read_open_edits,
)
from cellpose_studio.io.project.tables.label_chunks import read_labels
from cellpose_studio.io.project.tables.revisions import read_revision


def read_masks(db: sqlite3.Connection, head: LabelRevision) -> Labels:
    """Return the masks of a label set with this head as they are now.

    Raises
    ------
    ProjectDamaged
    """
    labels = read_labels(db, head.id, head.shape)
    for edit in read_open_edits(db, head.label_set, head.id):
        edit.apply(labels)
    return labels


def read_masks_with(
    db: sqlite3.Connection, head: LabelRevision, edits: tuple[int, ...]
) -> Labels:
    """Return the masks of a revision with some edits, whatever was edited since.

    Parameters
    ----------
    edits
        Ids of journal entries after ``head``, in their order.

    Raises
    ------
    ProjectDamaged
    """
    labels = read_labels(db, head.id, head.shape)
    with reading("the edits of the masks"):
        pixels = pixels_of(db, head.id) or 0
        for number in edits:
            row = db.execute(
                "SELECT operation, cells, delta_sha256, delta FROM journal "
                "WHERE id = ?",
                (number,),
            ).fetchone()
            _edit(pixels, *row).apply(labels)
    return labels


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


@dataclass(frozen=True)
class EditedFrom:
    """What masks were edited from.

    Attributes
    ----------
    base
        The last revision that no edit made; None where all was drawn by hand.
    edits
        Ids of the journal entries whose edits came after it and are in force.
    """

    base: LabelRevision | None
    edits: tuple[int, ...] = ()


def read_edited_from(db: sqlite3.Connection, head: LabelRevision) -> EditedFrom:
    """Return what masks were edited from, with edits that are in no revision yet.

    Raises
    ------
    ProjectDamaged
    """
    base: LabelRevision | None = head
    line = []
    while base is not None and base.kind == "edit":
        line.append(base.id)
        # Later revisions have higher ids, so this ends even in a damaged file.
        found = base.parent if base.parent and base.parent < base.id else None
        base = read_revision(db, found) if found else None
    marks = ", ".join("?" * len(line))
    with reading("the journal"):
        rows = db.execute(
            f"SELECT {COLUMNS} FROM journal WHERE label_set = ? "  # noqa: S608
            f"AND delta IS NOT NULL AND (sealed IN ({marks}) "
            "OR (sealed IS NULL AND base = ?)) ORDER BY id",
            (head.label_set, *line, head.id),
        ).fetchall()
    entries = [entry_of_row(row, None)[0] for row in rows]
    return EditedFrom(base, tuple(in_force(entries)))


def read_touched(
    db: sqlite3.Connection, numbers: tuple[int, ...]
) -> dict[int, frozenset[int]]:
    """Return by journal entry the cells that its edit gave pixels, or took some from.

    Raises
    ------
    ProjectDamaged
    """
    found = {}
    with reading("the edits of the masks"):
        for number in numbers:
            *row, delta = db.execute(
                f"SELECT {COLUMNS}, delta FROM journal WHERE id = ?",  # noqa: S608
                (number,),
            ).fetchone()
            found[number] = frozenset(edit_of_row(row, delta).touched_cells())
    return found


def _edit(
    pixels: int, operation: str, cells: str, sha256: bytes, delta: bytes
) -> LabelEdit:
    check(sha256, hashlib.sha256(delta).digest())
    ids = tuple(int(cell) for cell in from_json(cells))
    return LabelEdit(str(operation), ids, unpack_parts(delta, pixels))
