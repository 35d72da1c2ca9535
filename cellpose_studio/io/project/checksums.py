"""Checksums of rows: what a damaged file says must not pass for the truth."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import struct
from collections.abc import Iterable, Sequence
from typing import Any

_PLACE = struct.Struct("<3I")

OPEN_EDITS = (
    "label_set = ? AND base IS ? AND sealed IS NULL AND delta IS NOT NULL ORDER BY id"
)
"""Which entries of the journal came after a revision and are in none yet."""


def row_sha256(*values: object) -> bytes:
    """Return the checksum of columns: of their JSON array, with blobs in hex."""
    plain = [v.hex() if isinstance(v, bytes) else v for v in values]
    return hashlib.sha256(json.dumps(plain).encode()).digest()


def check(sha256: object, expected: bytes) -> None:
    """Raise `ValueError` if a checksum is not the one that was stored."""
    if sha256 != expected:
        raise ValueError("the row is not that of its checksum")


def chunks_sha256(db: sqlite3.Connection, revision: int, shape: str) -> bytes:
    """Return the checksum of a revision's pixels: of its shape and list of chunks."""
    rows = db.execute(
        'SELECT plane, "row", "column", chunk FROM revision_chunk '
        'WHERE revision = ? ORDER BY plane, "row", "column"',
        (revision,),
    )
    return list_sha256(shape, rows)


def list_sha256(shape: str, rows: Iterable[Sequence[Any]]) -> bytes:
    """Return the checksum of a shape and of places with their chunks, in order."""
    digest = hashlib.sha256(shape.encode())
    for *place, chunk in rows:
        digest.update(_PLACE.pack(*place) + chunk)
    return digest.digest()


def label_set_sha256(db: sqlite3.Connection, label_set: int) -> bytes:
    """Return the checksum of a label set: of its row, then of each open edit."""
    row = db.execute(
        "SELECT id, image, name, head FROM label_set WHERE id = ?", (label_set,)
    ).fetchone()
    digest = row_sha256(*row)
    for (entry,) in db.execute(
        f"SELECT sha256 FROM journal WHERE {OPEN_EDITS}",  # noqa: S608
        (label_set, row[-1]),
    ):
        digest = with_edit(digest, entry)
    return digest


def with_edit(label_set: bytes, entry: bytes) -> bytes:
    """Return the checksum of a label set after one more edit."""
    return hashlib.sha256(label_set + entry).digest()
