"""The table of trainings: the models that were trained on a project."""

from __future__ import annotations

import sqlite3

from cellpose_studio.core.models.training_round import TrainingRound
from cellpose_studio.io.project.checksums import check, row_sha256
from cellpose_studio.io.project.reading import reading


def write_round(db: sqlite3.Connection, number: int, record: TrainingRound) -> None:
    """Record a training."""
    row = number, record.model_dump_json()
    db.execute("INSERT INTO training_round VALUES (?, ?, ?)", (*row, row_sha256(*row)))


def read_rounds(db: sqlite3.Connection) -> list[TrainingRound]:
    """Return all trainings, the first one first; raises `ProjectDamaged`."""
    with reading("the trainings"):
        rows = db.execute("SELECT * FROM training_round ORDER BY id")
        return [_round(*row) for row in rows]


def _round(number: int, record: str, sha256: bytes) -> TrainingRound:
    check(sha256, row_sha256(number, record))
    return TrainingRound.model_validate_json(record)
