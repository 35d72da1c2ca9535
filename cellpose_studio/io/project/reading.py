"""Reading of columns, with one error for all kinds of damage."""

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

RESCUE_HINTS = (
    "What can be read of the project can be saved with File > Rescue.",
    "What can be read of the project can be saved with 'cellpose-studio rescue'.",
)
"""In the words of the window, and in those of commands, as `StudioError` takes them."""

_BUSY = ("locked", "busy")


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Report ``what`` ("the list of images") as damaged if reading it fails.

    Raises
    ------
    ProjectDamaged
        For every exception of SQLite, JSON, pydantic or zlib on a damaged file.
    """
    try:
        yield
    except (
        sqlite3.Error,
        ArithmeticError,
        AttributeError,
        LookupError,
        # Damaged sizes can ask for any amount of memory, and damaged JSON can be nested
        # to any depth.
        MemoryError,
        RecursionError,
        TypeError,
        ValueError,
        struct.error,
        zlib.error,
    ) as error:
        raise ProjectDamaged(_sentence(what, error), *RESCUE_HINTS) from error


def _sentence(what: str, error: Exception) -> str:
    # These errors come from outside the file, which may be intact.
    if isinstance(error, sqlite3.OperationalError):
        text = str(error)
        if any(word in text for word in _BUSY):
            return f"The project is busy in another program: {what} was not read."
        if "I/O" in text or "unable to open" in text:
            return f"The project file cannot be reached: {what} was not read."
    return f"The project file is damaged: {what} cannot be read."


@contextmanager
def snapshot(db: sqlite3.Connection) -> Iterator[None]:
    """Make all reads of the block see one state, despite commits in between."""
    # SQLite has no nested transactions, and the outer one already sees one state.
    if db.in_transaction:
        yield
        return
    # A plain BEGIN takes no write lock, so it also works in a project that is
    # read-only.
    db.execute("BEGIN")
    try:
        yield
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def from_json(text: str | None) -> Any:
    """Return the value of a JSON column; None for NULL."""
    return None if text is None else json.loads(text)


def to_json(value: object) -> str:
    """Return ``value`` as text of a JSON column."""
    return json.dumps(value, ensure_ascii=False, allow_nan=True)


def to_utc(text: str) -> datetime:
    """Return the time of a column, UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)
