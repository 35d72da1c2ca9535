"""The table of presets: named parameters."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.io.project.reading import reading


@dataclass(frozen=True)
class Preset:
    """Named parameters, with the model that they are meant for."""

    name: str
    model: str
    parameters: SegmentationParameters


def write_preset(db: sqlite3.Connection, preset: Preset) -> None:
    """Insert a preset, or replace the one with its name."""
    db.execute(
        "INSERT INTO preset VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
        "model = excluded.model, parameters = excluded.parameters",
        (preset.name, preset.model, preset.parameters.model_dump_json()),
    )


def delete_preset(db: sqlite3.Connection, name: str) -> None:
    """Delete a preset."""
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
