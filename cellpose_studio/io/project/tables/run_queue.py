"""The table of the run queue."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from cellpose_studio.core.runs.parameters import SegmentationParameters
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
    """

    id: int
    image: int
    state: BatchState
    model: str
    parameters: SegmentationParameters
    message: str = ""


def write_item(db: sqlite3.Connection, item: BatchItem) -> None:
    """Insert an item, or update its state."""
    db.execute(
        "INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
        "state = excluded.state, message = excluded.message",
        (
            item.id,
            item.image,
            item.state,
            item.model,
            item.parameters.model_dump_json(),
            item.message,
        ),
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
        rows = db.execute(
            "SELECT id, image, state, model, parameters, message FROM batch ORDER BY id"
        )
        # Most items share their parameters, and validating them is slow.
        parameters = cache(SegmentationParameters.model_validate_json)
        return [
            _item(number, image, state, model, parameters(text), message)
            for number, image, state, model, text, message in rows
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
