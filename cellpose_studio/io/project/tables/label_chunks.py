"""The tables of label chunks: writing and reading of label images."""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeVar

import numpy as np

from cellpose_studio.core.errors import ProjectDamaged
from cellpose_studio.core.masks.chunks import (
    CHUNK,
    ChunkIndex,
    Labels,
    chunk,
    chunk_indices,
)
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.io.masks.mapped import empty_labels
from cellpose_studio.io.project.checksums import check, chunks_sha256
from cellpose_studio.io.project.reading import RESCUE_HINTS, reading, to_json

_LEVEL = 2  # Higher levels save little: label images have long runs of equal values.
# A shape beyond this limit must be damaged, and would reserve all memory.
_MOST_PIXELS = 2**36
_AT_ONCE = 32
_THREADS = 4  # Hashing and compressing release the GIL.

Item = TypeVar("Item")

Wrote = Callable[[int], object]
"""Called with how many chunks were written, or had no cells, since the last call."""


def _nobody(chunks: int) -> None:
    """Count nothing."""


@dataclass(frozen=True)
class PackedChunk:
    """A chunk as it is stored in the file.

    Attributes
    ----------
    sha256
        SHA-256 of the raw bytes, little-endian uint32 in C order.
    data
        The raw bytes, not yet compressed.
    """

    chunk_index: ChunkIndex
    sha256: bytes
    data: memoryview


def pack_chunk(place: ChunkIndex, pixels: Labels) -> PackedChunk | None:
    """Return the chunk at ``place`` with these pixels; None if it has no cells.

    ``pixels`` must not be modified as long as the result is in use.
    """
    if not pixels.any():
        return None
    # On a little-endian machine this makes no copy.
    data = pixels.astype("<u4", order="C", copy=False).data.cast("B")
    return PackedChunk(place, hashlib.sha256(data).digest(), data)


def write_labels(
    db: sqlite3.Connection, revision: int, labels: Snapshot, wrote: Wrote = _nobody
) -> None:
    """Store all chunks of a label image for a revision."""
    with ThreadPoolExecutor(_THREADS) as pool:
        some = _batches(chunk_indices(labels.shape))
        for parts in _one_ahead(
            pool.map(lambda place: pack_chunk(place, labels.chunk(place)), batch)
            for batch in some
        ):
            wrote(_write(db, revision, parts, pool))
    update_checksum(db, revision)


def write_chunks(
    db: sqlite3.Connection,
    revision: int,
    chunks: Iterable[PackedChunk | None],
    wrote: Wrote = _nobody,
) -> None:
    """Assign ``chunks`` to a revision; only new ones are stored."""
    with ThreadPoolExecutor(_THREADS) as pool:
        for some in _batches(chunks):
            wrote(_write(db, revision, some, pool))
    update_checksum(db, revision)


def copy_chunks(
    db: sqlite3.Connection, revision: int, parent: int, but: Iterable[ChunkIndex] = ()
) -> None:
    """Assign the chunks of ``parent`` to ``revision``, except ``but``."""
    # A copy of an incomplete list would get a valid checksum, which would hide the
    # damage.
    if not _has_its_list(db, parent):
        raise ProjectDamaged(
            "The masks that were edited cannot be read.", *RESCUE_HINTS
        )
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
    update_checksum(db, revision)


def read_labels(
    db: sqlite3.Connection, revision: int, shape: tuple[int, ...]
) -> Labels:
    """Return the label image of a revision.

    Raises
    ------
    ProjectDamaged
        If a chunk is missing or damaged.
    """
    with reading("a label image"):
        _check_list(db, revision, shape)
        # A product of integers could overflow and look small.
        if np.prod(shape, dtype=float) > _MOST_PIXELS:
            raise ValueError(shape)
        labels = empty_labels(shape)
        # The outer join yields NULL for a missing chunk, which is then an error. An
        # inner join would turn its cells into background.
        rows = db.execute(
            'SELECT plane, "row", "column", chunk, data FROM revision_chunk '
            "LEFT JOIN chunk ON sha256 = chunk WHERE revision = ?",
            (revision,),
        )
        with ThreadPoolExecutor(_THREADS) as pool:
            for some in _batches(rows):
                # The list waits for all threads, and raises what one of them has
                # raised.
                list(pool.map(partial(_put, labels), some))
        return labels


def _put(labels: Labels, row: tuple[int, int, int, bytes, bytes]) -> None:
    """Write the chunk of a row into a label image."""
    *place, sha256, data = row
    view = chunk(labels, ChunkIndex(*place))
    view[...] = _unpacked(data, sha256, view.shape)


def is_intact(data: object, sha256: bytes) -> bool:
    """Return whether the compressed bytes of a chunk match its checksum."""
    if not isinstance(data, bytes):
        return False
    try:
        # No damaged or hostile data are decompressed beyond the size of a chunk.
        raw = zlib.decompressobj().decompress(data, CHUNK * CHUNK * 4 + 1)
    except zlib.error:
        return False
    return hashlib.sha256(raw).digest() == sha256


def _unpacked(data: bytes, sha256: bytes, shape: tuple[int, ...]) -> Labels:
    size = shape[0] * shape[1] * 4
    raw = zlib.decompressobj().decompress(data, size + 1)
    if hashlib.sha256(raw).digest() != sha256:
        raise ValueError("the bytes are not those of the checksum")
    return np.frombuffer(raw, "<u4").reshape(shape)


def _check_list(db: sqlite3.Connection, revision: int, shape: tuple[int, ...]) -> None:
    row = db.execute(
        "SELECT chunks_sha256 FROM revision WHERE id = ?", (revision,)
    ).fetchone()
    check(row[0], chunks_sha256(db, revision, to_json(shape)))


def _has_its_list(db: sqlite3.Connection, revision: int) -> bool:
    """Return whether the list of chunks of a revision is complete."""
    shape, sha256 = db.execute(
        "SELECT shape, chunks_sha256 FROM revision WHERE id = ?", (revision,)
    ).fetchone()
    return bool(sha256 == chunks_sha256(db, revision, shape))


def update_checksum(db: sqlite3.Connection, revision: int) -> None:
    """Update the checksum of a revision's pixels after a change of its chunks."""
    row = db.execute("SELECT shape FROM revision WHERE id = ?", (revision,)).fetchone()
    db.execute(
        "UPDATE revision SET chunks_sha256 = ? WHERE id = ?",
        (chunks_sha256(db, revision, row[0]), revision),
    )


def _write(
    db: sqlite3.Connection,
    revision: int,
    chunks: Iterable[PackedChunk | None],
    pool: ThreadPoolExecutor,
) -> int:
    """Store chunks, of which those without cells need no row; return how many."""
    every = [*chunks]
    parts = [part for part in every if part is not None]
    # The dictionary also merges equal chunks of one batch.
    new = {part.sha256: part.data for part in parts if not _known(db, part.sha256)}
    # The threads only compress: the connection is used by this thread alone.
    compressed = pool.map(_compressed, new.values())
    db.executemany("INSERT INTO chunk VALUES (?, ?)", zip(new, compressed, strict=True))
    db.executemany(
        "INSERT INTO revision_chunk VALUES (?, ?, ?, ?, ?)",
        [(revision, *part.chunk_index, part.sha256) for part in parts],
    )
    return len(every)


def _compressed(data: memoryview) -> bytes:
    """Compress in the format of zlib, with zlib-ng, which is four times as fast."""
    import imagecodecs

    # Not every build of imagecodecs includes zlib-ng.
    if imagecodecs.ZLIBNG.available:
        return bytes(imagecodecs.zlibng_encode(data, _LEVEL))  # type: ignore[arg-type]
    return zlib.compress(data, _LEVEL)


def _one_ahead(items: Iterable[Item]) -> Iterator[Item]:
    """Yield each item after the next was started, to keep the threads busy."""
    rest = iter(items)
    for first in rest:
        for following in rest:
            yield first
            first = following
        yield first


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield items in batches, because all chunks at once would fill the memory."""
    rest = iter(items)
    while some := list(islice(rest, _AT_ONCE)):
        yield some


def _known(db: sqlite3.Connection, sha256: bytes) -> bool:
    row = db.execute("SELECT 1 FROM chunk WHERE sha256 = ?", (sha256,)).fetchone()
    return row is not None
