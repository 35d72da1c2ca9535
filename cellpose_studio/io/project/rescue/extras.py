"""Rescue of presets, training sets, what is known of cells, the queue, the window."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from functools import cache
from typing import get_args

from pydantic import BaseModel

from cellpose_studio.core.models.training_round import TrainingRound
from cellpose_studio.core.provenance.classes.classifier_record import ClassifierRecord
from cellpose_studio.core.provenance.revision import CellStatus
from cellpose_studio.core.review.training_marks import TrainingMarks
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.io.project.checksums import row_sha256
from cellpose_studio.io.project.rescue.salvage import Salvage
from cellpose_studio.io.project.rescue.source import Values
from cellpose_studio.io.project.tables.run_queue import BatchState
from cellpose_studio.io.project.tables.training.members import STORED_ROLES

_STATE = "state/"


def save_extras(db: sqlite3.Connection, salvage: Salvage) -> int:
    """Write all rows that are consistent with the rescued ones; return their number."""
    count = 0
    for table, fits in _fits(db).items():
        rows = salvage.rows(table, fits)
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608
        count += len(rows)
    return count


def _fits(db: sqlite3.Connection) -> dict[str, Callable[[Values], bool]]:
    images, label_sets, revisions = (
        _ids(db, table) for table in ("image", "label_set", "revision")
    )

    # Of tables that are saved before those that refer to them.
    @cache
    def saved(table: str) -> set[object]:
        return _ids(db, table)

    return {
        "confidence": lambda row: row[0] in revisions,
        "preset": lambda row: _is_intact(row) and _is(SegmentationParameters, row[2]),
        "training": lambda row: (
            _is_intact(row)
            and row[1] in label_sets
            and (row[2] is None or row[2] in revisions)
            and row[3] in STORED_ROLES.values()
        ),
        "training_marks": lambda row: (
            _is_intact(row) and row[0] in label_sets and _is(TrainingMarks, row[1])
        ),
        "training_round": lambda row: _is_intact(row) and _is(TrainingRound, row[1]),
        "cell": lambda row: (
            _is_intact(row) and row[0] in label_sets and row[2] in get_args(CellStatus)
        ),
        "division": lambda row: _is_intact(row) and row[0] in label_sets,
        "cell_class": _is_intact,
        "classifier": lambda row: _is_intact(row) and _is(ClassifierRecord, row[1]),
        "classified": lambda row: (
            _is_intact(row)
            and row[0] in label_sets
            and row[2] in saved("cell_class")
            and (row[4] is None or row[4] in saved("classifier"))
        ),
        "batch": lambda row: (
            _is_intact(row)
            and row[1] in images
            and row[2] in get_args(BatchState)
            and _is(SegmentationParameters, row[4])
        ),
        "meta": lambda row: str(row[0]).startswith(_STATE) and _is_state(row[1]),
    }


def _is_intact(row: Values) -> bool:
    return row[-1] == row_sha256(*row[:-1])


def _ids(db: sqlite3.Connection, table: str) -> set[object]:
    return {row[0] for row in db.execute(f"SELECT id FROM {table}")}  # noqa: S608


def _is(kind: type[BaseModel], text: object) -> bool:
    try:
        kind.model_validate_json(str(text))
    except ValueError:
        return False
    return True


def _is_state(text: object) -> bool:
    try:
        return isinstance(json.loads(str(text)), dict)
    except (ValueError, RecursionError):
        return False
