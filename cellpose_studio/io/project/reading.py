"""Turning whatever a damaged file makes of reading into one sentence."""

from __future__ import annotations

import json
import sqlite3
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from cellpose_studio.core.errors import ProjectDamaged

RESCUE_HINT = (
    "What can be read of the project can be saved with File > Rescue, or with "
    "'cellpose-studio rescue'."
)

_BUSY = ("locked", "busy")


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Say that ``what`` ("the list of images") is damaged when reading it fails.

    Raises
    ------
    ProjectDamaged
        For everything that a damaged file makes SQLite, JSON, pydantic or zlib raise.
    """
    try:
        yield
    except (
        sqlite3.Error,
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        RecursionError,
        TypeError,
        ValueError,
        struct.error,
        zlib.error,
    ) as error:
        raise ProjectDamaged(_sentence(what, error), RESCUE_HINT) from error


def _sentence(what: str, error: Exception) -> str:
    if isinstance(error, sqlite3.OperationalError):
        text = str(error)
        if any(word in text for word in _BUSY):
            return f"The project is busy in another program: {what} was not read."
        if "I/O" in text or "unable to open" in text:
            return f"The project file cannot be reached: {what} was not read."
    return f"The project file is damaged: {what} cannot be read."


@contextmanager
def snapshot(db: sqlite3.Connection) -> Iterator[None]:
    """Let all reading in the block see one state, whatever is committed meanwhile."""
    if db.in_transaction:
        yield
        return
    db.execute("BEGIN")
    try:
        yield
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def loaded(text: str | None) -> Any:
    """Return the value of a column of JSON; None for none."""
    return None if text is None else json.loads(text)


def dumped(value: object) -> str:
    """Return ``value`` as the JSON of a column."""
    return json.dumps(value, ensure_ascii=False, allow_nan=True)


def when(text: str) -> datetime:
    """Return the time of a column, UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)
