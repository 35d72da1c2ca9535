"""The table of presets: named parameters."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.io.project.checksums import check, row_sha256
from cellpose_studio.io.project.reading import reading


@dataclass(frozen=True)
class Preset:
    """Named parameters, with the model that they are meant for."""

    name: str
    model: str
    parameters: SegmentationParameters


def write_preset(db: sqlite3.Connection, preset: Preset) -> None:
    """Add a preset, or replace the one of that name."""
    row = preset.name, preset.model, preset.parameters.model_dump_json()
    db.execute(
        "INSERT OR REPLACE INTO preset VALUES (?, ?, ?, ?)", (*row, row_sha256(*row))
    )


def delete_preset(db: sqlite3.Connection, name: str) -> None:
    """Delete a preset."""
    db.execute("DELETE FROM preset WHERE name = ?", (name,))


def read_presets(db: sqlite3.Connection) -> list[Preset]:
    """Return all presets by name; raises `ProjectDamaged`."""
    with reading("the presets"):
        rows = db.execute("SELECT * FROM preset ORDER BY name")
        return [_preset(*row) for row in rows]


def _preset(name: str, model: str, parameters: str, sha256: bytes) -> Preset:
    check(sha256, row_sha256(name, model, parameters))
    return Preset(name, model, SegmentationParameters.model_validate_json(parameters))
