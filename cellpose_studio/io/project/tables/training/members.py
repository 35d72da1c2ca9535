"""The table of training sets: which label sets train or validate."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from cellpose_studio.core.models.training_set import Role
from cellpose_studio.io.project.checksums import check, row_sha256
from cellpose_studio.io.project.reading import reading

STORED_ROLES: dict[Role, str] = {"train": "train", "validation": "test"}
"""Each role as it is in the file."""
TRAINING_SET = "training"
"""Name of the one training set that a project has so far."""


@dataclass(frozen=True)
class TrainingMember:
    """A label set that is part of a training set.

    Attributes
    ----------
    name
        Name of the training set.
    revision
        Revision of the masks; None for the current ones.
    """

    name: str
    label_set: int
    revision: int | None
    role: Role


def write_member(db: sqlite3.Connection, member: TrainingMember) -> None:
    """Put a label set into a training set, or change what it is there for."""
    stored = STORED_ROLES[member.role]
    row = member.name, member.label_set, member.revision, stored
    db.execute(
        "INSERT OR REPLACE INTO training VALUES (?, ?, ?, ?, ?)",
        (*row, row_sha256(*row)),
    )


def delete_member(db: sqlite3.Connection, name: str, label_set: int) -> None:
    """Remove a label set from a training set."""
    db.execute(
        "DELETE FROM training WHERE name = ? AND label_set = ?", (name, label_set)
    )


def read_members(db: sqlite3.Connection) -> list[TrainingMember]:
    """Return the members of all training sets; raises `ProjectDamaged`."""
    with reading("the training sets"):
        rows = db.execute("SELECT * FROM training ORDER BY name, label_set")
        return [_member(*row) for row in rows]


def _member(
    name: str,
    label_set: int,
    revision: int | None,
    stored: str,
    sha256: bytes,
) -> TrainingMember:
    check(sha256, row_sha256(name, label_set, revision, stored))
    roles = {text: role for role, text in STORED_ROLES.items()}
    return TrainingMember(str(name), int(label_set), revision, roles[stored])
