"""What else a project keeps: state of the window, presets, training sets, cells."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any, Literal

from cellpose_studio.core.provenance.revision import CellStatus
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.io.project.reading import dumped, loaded, reading

TrainingRole = Literal["train", "test"]


@dataclass(frozen=True)
class Preset:
    """Parameters under a name, with the model that they are meant for."""

    name: str
    model: str
    parameters: SegmentationParameters


@dataclass(frozen=True)
class TrainingMember:
    """A label set that is part of a training set.

    Attributes
    ----------
    name
        Of the training set.
    revision
        Which masks; None for those at present.
    """

    name: str
    label_set: int
    revision: int | None
    role: TrainingRole


def write_state(db: sqlite3.Connection, name: str, value: dict[str, Any]) -> None:
    """Remember something about the window: what is shown, and where."""
    db.execute(
        "INSERT INTO meta VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (f"state/{name}", dumped(value)),
    )


def read_state(db: sqlite3.Connection, name: str) -> dict[str, Any]:
    """Return what was remembered; empty if nothing was, or it cannot be read."""
    with reading("the state of the window"):
        row = db.execute(
            "SELECT value FROM meta WHERE key = ?", (f"state/{name}",)
        ).fetchone()
        return dict(loaded(row[0])) if row is not None else {}


def write_preset(db: sqlite3.Connection, preset: Preset) -> None:
    """Add a preset, or replace the one of that name."""
    db.execute(
        "INSERT INTO preset VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
        "model = excluded.model, parameters = excluded.parameters",
        (preset.name, preset.model, preset.parameters.model_dump_json()),
    )


def delete_preset(db: sqlite3.Connection, name: str) -> None:
    """Forget a preset."""
    db.execute("DELETE FROM preset WHERE name = ?", (name,))


def read_presets(db: sqlite3.Connection) -> list[Preset]:
    """Return all presets by name; raises `ProjectDamaged`."""
    with reading("the presets"):
        return [
            Preset(
                str(name),
                str(model),
                SegmentationParameters.model_validate_json(parameters),
            )
            for name, model, parameters in db.execute(
                "SELECT name, model, parameters FROM preset ORDER BY name"
            )
        ]


def write_member(db: sqlite3.Connection, member: TrainingMember) -> None:
    """Put a label set into a training set, or change what it is there for."""
    db.execute(
        "INSERT INTO training VALUES (?, ?, ?, ?) "
        "ON CONFLICT (name, label_set) DO UPDATE SET "
        "revision = excluded.revision, role = excluded.role",
        (member.name, member.label_set, member.revision, member.role),
    )


def delete_member(db: sqlite3.Connection, name: str, label_set: int) -> None:
    """Take a label set out of a training set."""
    db.execute(
        "DELETE FROM training WHERE name = ? AND label_set = ?", (name, label_set)
    )


def read_members(db: sqlite3.Connection) -> list[TrainingMember]:
    """Return who is in which training set; raises `ProjectDamaged`."""
    with reading("the training sets"):
        rows = db.execute(
            "SELECT name, label_set, revision, role FROM training "
            "ORDER BY name, label_set"
        )
        return [_member(*row) for row in rows]


def write_statuses(
    db: sqlite3.Connection, label_set: int, statuses: dict[int, CellStatus | None]
) -> None:
    """Give cells of a label set their status; None takes it away."""
    for cell, status in statuses.items():
        db.execute("DELETE FROM cell WHERE label_set = ? AND id = ?", (label_set, cell))
        if status is not None:
            db.execute("INSERT INTO cell VALUES (?, ?, ?)", (label_set, cell, status))


def read_all_statuses(db: sqlite3.Connection) -> dict[int, dict[int, CellStatus]]:
    """Return the status of cells by label set and id; raises `ProjectDamaged`."""
    found: dict[int, dict[int, CellStatus]] = {}
    with reading("the status of cells"):
        for label_set, cell, status in db.execute("SELECT * FROM cell"):
            found.setdefault(label_set, {})[cell] = status
    return found


def _member(
    name: str, label_set: int, revision: int | None, role: TrainingRole
) -> TrainingMember:
    if role not in ("train", "test"):
        raise ValueError(f"an unknown role: {role}")
    return TrainingMember(str(name), int(label_set), revision, role)
