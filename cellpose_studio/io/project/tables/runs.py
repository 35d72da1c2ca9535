"""The table of run records."""

from __future__ import annotations

import hashlib
import sqlite3

from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.io.project.reading import reading


def write_run(
    db: sqlite3.Connection, number: int, image: int, record: RunRecord
) -> None:
    """Insert the record of a run on an image, finished or not."""
    text = record.model_dump_json()
    db.execute(
        "INSERT INTO run VALUES (?, ?, ?, ?, ?, ?)",
        (
            number,
            image,
            record.started.isoformat(),
            record.outcome,
            text,
            hashlib.sha256(text.encode()).digest(),
        ),
    )


def read_run(db: sqlite3.Connection, number: int) -> RunRecord | None:
    """Return the record of a run; None if there is none.

    Raises
    ------
    ProjectDamaged
        Also if it does not match its checksum.
    """
    with reading("the record of a run"):
        row = db.execute(
            "SELECT record, sha256 FROM run WHERE id = ?", (number,)
        ).fetchone()
        return None if row is None else _record(*row)


def read_runs(db: sqlite3.Connection, image: int) -> list[tuple[int, RunRecord]]:
    """Return ids and records of all runs on an image, the oldest first.

    Raises
    ------
    ProjectDamaged
    """
    with reading("the records of runs"):
        rows = db.execute(
            "SELECT id, record, sha256 FROM run WHERE image = ? ORDER BY id", (image,)
        )
        return [(int(number), _record(*rest)) for number, *rest in rows]


def run_of_row(text: str, sha256: bytes) -> RunRecord:
    """Return the record of a run from its columns.

    Raises
    ------
    ProjectDamaged
    """
    with reading("the record of a run"):
        return _record(text, sha256)


def _record(text: str, sha256: bytes) -> RunRecord:
    # The text is checked as it was stored, because another version may write the same
    # record differently.
    if hashlib.sha256(text.encode()).digest() != sha256:
        raise ValueError("the record is not that of the checksum")
    return RunRecord.model_validate_json(text)
