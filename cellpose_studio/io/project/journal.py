"""The journal of a project: every change of every label set, in order."""

from __future__ import annotations

import sqlite3
from typing import Any

from cellpose_studio.core.edit import ChunkEdit, LabelEdit
from cellpose_studio.core.revision import JournalEntry
from cellpose_studio.io.project.delta import packed_parts, unpacked_parts
from cellpose_studio.io.project.reading import dumped, loaded, reading, when

_COLUMNS = "id, label_set, base, operation, cells, time, undoes, head, sealed"


def write_entry(
    db: sqlite3.Connection,
    entry: JournalEntry,
    parts: tuple[ChunkEdit, ...] | None = None,
) -> None:
    """Append an entry; ``parts`` are the pixels of an edit."""
    db.execute(
        f"INSERT INTO journal ({_COLUMNS}, delta) "  # noqa: S608
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.id,
            entry.label_set,
            entry.base,
            entry.operation,
            dumped(entry.cells),
            entry.time.isoformat(),
            entry.undoes,
            entry.head,
            entry.sealed,
            None if parts is None else packed_parts(parts),
        ),
    )


def seal(db: sqlite3.Connection, label_set: int, base: int, revision: int) -> None:
    """Say that the edits after ``base`` went into ``revision``."""
    db.execute(
        "UPDATE journal SET sealed = ? WHERE label_set = ? AND base = ? "
        "AND sealed IS NULL AND delta IS NOT NULL",
        (revision, label_set, base),
    )


def read_journal(db: sqlite3.Connection, label_set: int) -> list[JournalEntry]:
    """Return all entries of a label set, the oldest first.

    Raises
    ------
    ProjectDamaged
    """
    with reading("the journal"):
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM journal WHERE label_set = ? "  # noqa: S608
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
    with reading("the latest edits"):
        rows = db.execute(
            "SELECT operation, cells, delta FROM journal WHERE label_set = ? "
            "AND base = ? AND sealed IS NULL AND delta IS NOT NULL ORDER BY id",
            (label_set, base),
        )
        return [
            LabelEdit(str(operation), _cells(cells), unpacked_parts(delta))
            for operation, cells, delta in rows
        ]


def _entry(row: tuple[Any, ...]) -> JournalEntry:
    number, label_set, base, operation, cells, time, undoes, head, sealed = row
    return JournalEntry(
        int(number),
        int(label_set),
        base,
        str(operation),
        _cells(cells),
        when(time),
        undoes,
        head,
        sealed,
    )


def _cells(text: str) -> tuple[int, ...]:
    return tuple(int(cell) for cell in loaded(text))
