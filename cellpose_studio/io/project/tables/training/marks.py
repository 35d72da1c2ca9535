"""The table of what is said of masks in training, and that of uses in trainings."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from cellpose_studio.core.models.training_set import Role
from cellpose_studio.core.review.training_marks import TrainingMarks
from cellpose_studio.io.project.checksums import check, row_sha256
from cellpose_studio.io.project.reading import reading


class UsedPair(BaseModel):
    """An image, slice or crop as a training used it.

    Attributes
    ----------
    label_set, revision
        Ids of the masks in the project.
    identity
        Hash of pixels and masks, as of `TrainingPair`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    role: Role
    label_set: int
    revision: int
    identity: str
    cells: int
    source: str


class TrainingUse(BaseModel):
    """The pairs of one training, with the revisions that they had then."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    created: datetime
    model: str
    pairs: tuple[UsedPair, ...]


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


def write_use(db: sqlite3.Connection, number: int, use: TrainingUse) -> None:
    """Store which revisions a training used."""
    row = number, use.model_dump_json()
    db.execute("INSERT INTO training_use VALUES (?, ?, ?)", (*row, row_sha256(*row)))


def read_uses(db: sqlite3.Connection) -> dict[int, TrainingUse]:
    """Return the trainings and what they used, by id; raises `ProjectDamaged`."""
    with reading("the trainings"):
        found = {}
        for number, text, sha256 in db.execute("SELECT * FROM training_use"):
            check(sha256, row_sha256(number, text))
            found[int(number)] = TrainingUse.model_validate_json(text)
        return found
