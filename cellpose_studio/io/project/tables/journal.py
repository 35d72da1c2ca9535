"""The journal: every change of every label set, in order."""

from __future__ import annotations

import hashlib
import math
import sqlite3
from collections.abc import Sequence
from typing import Any

from cellpose_studio.core.masks.edit import ChunkEdit, LabelEdit
from cellpose_studio.core.provenance.revision import CellChanges, JournalEntry
from cellpose_studio.io.project.checksums import (
    OPEN_EDITS,
    check,
    label_set_sha256,
    row_sha256,
    with_edit,
)
from cellpose_studio.io.project.reading import (
    from_json,
    reading,
    snapshot,
    to_json,
    to_utc,
)
from cellpose_studio.io.project.tables.cells.cell_classes import (
    assigned_of,
    assigned_values,
)
from cellpose_studio.io.project.tables.delta import pack_parts, unpack_parts

_FIXED = (
    "id, label_set, base, operation, cells, time, undoes, head, statuses, delta_sha256"
)
COLUMNS = f"{_FIXED}, sealed, sha256"
"""Columns of an entry without its pixels."""

_DELTA_SHA256 = 9


def write_entry(
    db: sqlite3.Connection,
    entry: JournalEntry,
    parts: tuple[ChunkEdit, ...] | None = None,
) -> None:
    """Append an entry; ``parts`` are the pixels of an edit."""
    delta = None if parts is None else pack_parts(parts)
    values = (
        entry.id,
        entry.label_set,
        entry.base,
        entry.operation,
        to_json(entry.cells),
        entry.time.isoformat(),
        entry.undoes,
        entry.head,
        None if entry.changes is None else _dumped_changes(entry.changes),
        # The checksum is that of the compressed bytes, so that they are checked before
        # they are decompressed.
        None if delta is None else hashlib.sha256(delta).digest(),
    )
    sha256 = row_sha256(*values)
    marks = ", ".join("?" * (len(values) + 3))
    db.execute(
        f"INSERT INTO journal ({COLUMNS}, delta) VALUES ({marks})",  # noqa: S608
        (*values, entry.sealed, sha256, delta),
    )
    # An edit that is in a revision no longer counts for the checksum of the label set.
    if delta is not None and entry.sealed is None:
        _add_to_label_set(db, entry, sha256)


def seal(db: sqlite3.Connection, label_set: int, base: int, revision: int) -> None:
    """Mark the edits after ``base`` as contained in ``revision``."""
    db.execute(
        "UPDATE journal SET sealed = ? WHERE label_set = ? AND base = ? "
        "AND sealed IS NULL AND delta IS NOT NULL",
        (revision, label_set, base),
    )
    # The sealed edits have left the chain of the checksum, so it is computed anew.
    db.execute(
        "UPDATE label_set SET sha256 = ? WHERE id = ?",
        (label_set_sha256(db, label_set), label_set),
    )


def read_journal(db: sqlite3.Connection, label_set: int) -> list[JournalEntry]:
    """Return all entries of a label set, the oldest first.

    Raises
    ------
    ProjectDamaged
    """
    with reading("the journal"):
        rows = db.execute(
            f"SELECT {COLUMNS} FROM journal WHERE label_set = ? "  # noqa: S608
            "ORDER BY id",
            (label_set,),
        )
        return [_entry(row) for row in rows]


def read_open_edits(
    db: sqlite3.Connection, label_set: int, base: int
) -> list[LabelEdit]:
    """Return the edits after the revision ``base`` that are in no revision yet.

    Raises
    ------
    ProjectDamaged
    """
    # Another process may add an edit in between, and the checksum would not match.
    with reading("the latest edits"), snapshot(db):
        rows = _open_rows(db, label_set, base, f"{COLUMNS}, delta")
        pixels = pixels_of(db, base)
        edits = [edit_of_row(row, delta, pixels) for *row, delta in rows]
        _check_inside(db, base, edits)
        return edits


def open_edit_ids(db: sqlite3.Connection, label_set: int, base: int) -> tuple[int, ...]:
    """Return the ids of these edits, by which they are found when they are sealed, too.

    Raises
    ------
    ProjectDamaged
    """
    with reading("the latest edits"), snapshot(db):
        rows = _open_rows(db, label_set, base, "id")
        return tuple(int(number) for (number,) in rows)


def _open_rows(
    db: sqlite3.Connection, label_set: int, base: int, columns: str
) -> sqlite3.Cursor:
    """Return columns of the edits after ``base`` that are in no revision yet."""
    _check_label_set(db, label_set, base)
    return db.execute(
        f"SELECT {columns} FROM journal WHERE {OPEN_EDITS}",  # noqa: S608
        (label_set, base),
    )


def entry_of_row(
    row: Sequence[Any], delta: bytes | None, pixels: int | None = None
) -> tuple[JournalEntry, tuple[ChunkEdit, ...] | None]:
    """Return an entry and its changed pixels, from columns in the order of writing.

    ``pixels`` are those of the masks that it was done to, where they are known.

    Raises
    ------
    ProjectDamaged
    """
    with reading("the journal"):
        if delta is None:
            return _entry(row), None
        return _entry(row), edit_of_row(row, delta, pixels).parts


def _add_to_label_set(
    db: sqlite3.Connection, entry: JournalEntry, sha256: bytes
) -> None:
    """Update the checksum of the label set for a new edit."""
    row = db.execute(
        "SELECT head, sha256 FROM label_set WHERE id = ?", (entry.label_set,)
    ).fetchone()
    if row is not None and row[0] == entry.base:
        db.execute(
            "UPDATE label_set SET sha256 = ? WHERE id = ?",
            (with_edit(row[1], sha256), entry.label_set),
        )


def _check_label_set(db: sqlite3.Connection, label_set: int, base: int) -> None:
    """Raise `ValueError` if an edit after the head is missing."""
    row = db.execute(
        "SELECT sha256 FROM label_set WHERE id = ? AND head = ?", (label_set, base)
    ).fetchone()
    if row is not None:
        check(row[0], label_set_sha256(db, label_set))


def _check_inside(db: sqlite3.Connection, base: int, edits: list[LabelEdit]) -> None:
    """Raise `ValueError` if an edit exceeds the bounds of its masks."""
    if not edits:
        return
    row = db.execute("SELECT shape FROM revision WHERE id = ?", (base,)).fetchone()
    shape = tuple(from_json(row[0]))
    if not all(edit.is_inside(shape) for edit in edits):
        raise ValueError("an edit outside the image")


def pixels_of(db: sqlite3.Connection, revision: int | None) -> int | None:
    """Return how many pixels the masks of a revision have; None if there is none."""
    shape = "SELECT shape FROM revision WHERE id = ?"
    row = db.execute(shape, (revision,)).fetchone()
    return None if row is None else math.prod(int(n) for n in from_json(row[0]))


def edit_of_row(
    row: Sequence[Any], delta: bytes, pixels: int | None = None
) -> LabelEdit:
    """Return the edit of a row of ``COLUMNS``, of masks with so many ``pixels``.

    Raises
    ------
    ValueError, zlib.error, struct.error
        If it is damaged.
    """
    entry = _entry(row)
    check(row[_DELTA_SHA256], hashlib.sha256(delta).digest())
    parts = unpack_parts(delta) if pixels is None else unpack_parts(delta, pixels)
    return LabelEdit(entry.operation, entry.cells, parts)


def _entry(row: Sequence[Any]) -> JournalEntry:
    # The column sealed changes later, so the checksum does not include it.
    *fixed, sealed, sha256 = row
    check(sha256, row_sha256(*fixed))
    (
        number,
        label_set,
        base,
        operation,
        cells,
        time,
        undoes,
        head,
        changes,
        delta_sha256,
    ) = fixed
    return JournalEntry(
        id=int(number),
        label_set=int(label_set),
        base=base,
        operation=str(operation),
        cells=_cells(cells),
        time=to_utc(time),
        undoes=undoes,
        head=head,
        sealed=sealed,
        changes=None if changes is None else _changes(changes),
        pixels=delta_sha256 is not None,
    )


def _cells(text: str) -> tuple[int, ...]:
    return tuple(int(cell) for cell in from_json(text))


def _dumped_changes(changes: CellChanges) -> str:
    """Return a list of changed statuses, or an object with what else changed."""
    statuses, mothers = (
        [[cell, *change] for cell, change in changed.items()]
        for changed in (changes.statuses, changes.mothers)
    )
    classes = [
        [cell, assigned_values(before), assigned_values(after)]
        for cell, (before, after) in changes.classes.items()
    ]
    if not (mothers or classes):
        # Files of version 1 and 2 have this form only.
        return to_json(statuses)
    others = {"mothers": mothers, "classes": classes}
    return to_json(
        {"statuses": statuses} | {name: one for name, one in others.items() if one}
    )


def _changes(text: str) -> CellChanges:
    found = from_json(text)
    if isinstance(found, list):
        found = {"statuses": found}
    statuses, mothers = (
        {int(cell): (before, after) for cell, before, after in found.get(name, ())}
        for name in ("statuses", "mothers")
    )
    return CellChanges(
        statuses=statuses,
        mothers=mothers,
        classes={
            int(cell): (assigned_of(before), assigned_of(after))
            for cell, before, after in found.get("classes", ())
        },
    )
