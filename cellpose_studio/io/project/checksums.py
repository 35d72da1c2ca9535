"""Row checksums that reveal damage."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import struct
from collections.abc import Iterable, Sequence
from typing import Any

# The byte order is fixed, because a checksum must not depend on the machine.
_PLACE = struct.Struct("<3I")

OPEN_EDITS = (
    "label_set = ? AND base IS ? AND sealed IS NULL AND delta IS NOT NULL ORDER BY id"
)
"""SQL condition for the edits after a revision that are in no revision yet."""


def row_sha256(*values: object) -> bytes:
    """Return the SHA-256 of columns, over their JSON array with blobs in hex."""
    # In a JSON array no text can move from one column to the next unnoticed.
    plain = [v.hex() if isinstance(v, bytes) else v for v in values]
    return hashlib.sha256(json.dumps(plain).encode()).digest()


def check(sha256: object, expected: bytes) -> None:
    """Raise `ValueError` if a stored checksum does not match."""
    if sha256 != expected:
        raise ValueError("the row is not that of its checksum")


def chunks_sha256(db: sqlite3.Connection, revision: int, shape: str) -> bytes:
    """Return the checksum of a revision's pixels, over its shape and list of chunks."""
    rows = db.execute(
        'SELECT plane, "row", "column", chunk FROM revision_chunk '
        'WHERE revision = ? ORDER BY plane, "row", "column"',
        (revision,),
    )
    return list_sha256(shape, rows)


def list_sha256(shape: str, rows: Iterable[Sequence[Any]]) -> bytes:
    """Return the checksum of a shape and of chunk indices with chunks, in order."""
    # Without the shape, the same chunks could be arranged in another one.
    digest = hashlib.sha256(shape.encode())
    for *place, chunk in rows:
        digest.update(_PLACE.pack(*place) + chunk)
    return digest.digest()


def label_set_sha256(db: sqlite3.Connection, label_set: int) -> bytes:
    """Return the checksum of a label set, chained over its row and each open edit."""
    row = db.execute(
        "SELECT id, image, name, head FROM label_set WHERE id = ?", (label_set,)
    ).fetchone()
    # Chaining the checksums reveals a missing edit, and lets an edit be added to the
    # checksum without reading the earlier ones.
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
