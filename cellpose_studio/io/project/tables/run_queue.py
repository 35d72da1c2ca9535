"""The table of the run queue."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.io.project.checksums import check, row_sha256
from cellpose_studio.io.project.reading import reading

BatchState = Literal["waiting", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True, kw_only=True)
class BatchItem:
    """One run of a queue.

    Attributes
    ----------
    model
        Name of a shipped model, or path of a weight file.
    message
        Why it failed.
    masks
        Name of the masks that it writes to; the table does not have it.
    """

    id: int
    image: int
    state: BatchState
    model: str
    parameters: SegmentationParameters
    message: str = ""
    masks: str = "cells"


def write_item(db: sqlite3.Connection, item: BatchItem) -> None:
    """Add an item, or change its state."""
    parameters = item.parameters.model_dump_json()
    row = item.id, item.image, item.state, item.model, parameters, item.message
    db.execute(
        "INSERT OR REPLACE INTO batch VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*row, row_sha256(*row)),
    )


def write_items(db: sqlite3.Connection, items: Iterable[BatchItem]) -> None:
    """Insert items, or update their state."""
    for item in items:
        write_item(db, item)


def delete_items(db: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Delete items."""
    db.executemany("DELETE FROM batch WHERE id = ?", ((n,) for n in numbers))


def read_batch(db: sqlite3.Connection) -> list[BatchItem]:
    """Return the queue in its order; raises `ProjectDamaged`."""
    with reading("the queue of runs"):
        rows = db.execute("SELECT * FROM batch ORDER BY id").fetchall()
        for *row, sha256 in rows:
            check(sha256, row_sha256(*row))
        # Most have the same ones, which are slow to check.
        parameters = cache(SegmentationParameters.model_validate_json)
        return [
            _item(number, image, state, model, parameters(text), message)
            for number, image, state, model, text, message, _ in rows
        ]


def _item(
    number: int,
    image: int,
    state: BatchState,
    model: str,
    parameters: SegmentationParameters,
    message: str,
) -> BatchItem:
    if state not in get_args(BatchState):
        raise ValueError(f"an unknown state: {state}")
    return BatchItem(
        id=int(number),
        image=int(image),
        state=state,
        model=str(model),
        parameters=parameters,
        message=str(message),
    )
