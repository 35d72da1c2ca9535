"""Label images in a project: chunks in, chunks out."""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cellpose_studio.core.chunks import Labels, Place, chunk, places
from cellpose_studio.io.project.reading import reading

_LEVEL = 1  # label images have long runs of equal values: more effort saves little
_MOST_PIXELS = 2**36


@dataclass(frozen=True)
class PackedChunk:
    """A chunk as the file holds it.

    Attributes
    ----------
    sha256
        Of the raw bytes, little-endian uint32 in C order.
    data
        The raw bytes, not yet compressed.
    """

    place: Place
    sha256: bytes
    data: bytes


def packed(labels: Labels, where: Iterable[Place]) -> list[PackedChunk | Place]:
    """Return the chunks at ``where``; of those without cells, only the place."""
    found: list[PackedChunk | Place] = []
    for place in where:
        pixels = chunk(labels, place)
        if pixels.any():
            data = pixels.astype("<u4").tobytes()
            found.append(PackedChunk(place, hashlib.sha256(data).digest(), data))
        else:
            found.append(place)
    return found


def write_labels(db: sqlite3.Connection, revision: int, labels: Labels) -> None:
    """Store all chunks of a label image for a revision."""
    write_chunks(db, revision, packed(labels, places(labels.shape)))


def write_chunks(
    db: sqlite3.Connection, revision: int, chunks: Iterable[PackedChunk | Place]
) -> None:
    """List ``chunks`` for a revision; only those that are new take space."""
    for part in chunks:
        if isinstance(part, Place):
            continue
        if not _known(db, part.sha256):
            db.execute(
                "INSERT INTO chunk VALUES (?, ?)",
                (part.sha256, zlib.compress(part.data, _LEVEL)),
            )
        db.execute(
            "INSERT INTO revision_chunk VALUES (?, ?, ?, ?, ?)",
            (revision, *part.place, part.sha256),
        )


def copy_chunks(
    db: sqlite3.Connection, revision: int, parent: int, but: Iterable[Place] = ()
) -> None:
    """List the chunks of ``parent`` for ``revision`` too, leaving some out."""
    db.execute(
        "INSERT INTO revision_chunk "
        'SELECT ?, plane, "row", "column", chunk FROM revision_chunk '
        "WHERE revision = ?",
        (revision, parent),
    )
    db.executemany(
        "DELETE FROM revision_chunk "
        'WHERE revision = ? AND plane = ? AND "row" = ? AND "column" = ?',
        [(revision, *place) for place in but],
    )


def read_labels(
    db: sqlite3.Connection, revision: int, shape: tuple[int, ...]
) -> Labels:
    """Return the label image of a revision.

    Raises
    ------
    ProjectDamaged
        If a chunk is missing or was changed.
    """
    with reading("a label image"):
        if np.prod(shape, dtype=float) > _MOST_PIXELS:
            raise ValueError(shape)
        labels = np.zeros(shape, np.uint32)
        rows = db.execute(
            'SELECT plane, "row", "column", chunk, data FROM revision_chunk '
            "LEFT JOIN chunk ON sha256 = chunk WHERE revision = ?",
            (revision,),
        )
        for plane, row, column, sha256, data in rows:
            view = chunk(labels, Place(plane, row, column))
            view[...] = _unpacked(data, sha256, view.shape)
        return labels


def _unpacked(data: bytes, sha256: bytes, shape: tuple[int, ...]) -> Labels:
    size = shape[0] * shape[1] * 4
    raw = zlib.decompressobj().decompress(data, size + 1)
    if hashlib.sha256(raw).digest() != sha256:
        raise ValueError("the bytes are not those of the checksum")
    return np.frombuffer(raw, "<u4").reshape(shape)


def _known(db: sqlite3.Connection, sha256: bytes) -> bool:
    row = db.execute("SELECT 1 FROM chunk WHERE sha256 = ?", (sha256,)).fetchone()
    return row is not None
