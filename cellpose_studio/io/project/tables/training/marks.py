"""The table of what is said of masks in training, beside their role."""

from __future__ import annotations

import sqlite3

from cellpose_studio.core.review.training_marks import TrainingMarks
from cellpose_studio.io.project.checksums import check, row_sha256
from cellpose_studio.io.project.reading import reading


def write_marks(db: sqlite3.Connection, label_set: int, marks: TrainingMarks) -> None:
    """Store what is said of a label set; what says nothing is removed."""
    if marks == TrainingMarks():
        db.execute("DELETE FROM training_marks WHERE label_set = ?", (label_set,))
        return
    row = label_set, marks.model_dump_json(exclude_defaults=True)
    db.execute(
        "INSERT OR REPLACE INTO training_marks VALUES (?, ?, ?)",
        (*row, row_sha256(*row)),
    )


def read_marks(db: sqlite3.Connection) -> dict[int, TrainingMarks]:
    """Return what is said of masks, by label set; raises `ProjectDamaged`."""
    with reading("the training set"):
        found = {}
        for label_set, text, sha256 in db.execute("SELECT * FROM training_marks"):
            check(sha256, row_sha256(label_set, text))
            found[int(label_set)] = TrainingMarks.model_validate_json(text)
        return found
