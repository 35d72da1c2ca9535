"""Serialisation of edits of label images for the journal."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from cellpose_studio.core.masks.chunks import ChunkIndex
from cellpose_studio.core.masks.edit import ChunkEdit

_HEAD = struct.Struct("<4I")
_LEVEL = 1
# A few damaged or hostile bytes could otherwise decompress to any size.
_MOST_BYTES = 2**31


def pack_parts(parts: tuple[ChunkEdit, ...]) -> bytes:
    """Return the changed pixels of all chunks, compressed.

    For each chunk: plane, row, column and the number n of pixels, as uint32; then
    n steps from index to index, n values before and n after, uint32 each.
    All little-endian.
    """
    blocks = []
    for part in parts:
        # Changed pixels are mostly neighbours, and equal steps compress better than
        # indices.
        steps = np.diff(part.index, prepend=0)
        blocks.append(_HEAD.pack(*part.chunk_index, len(part.index)))
        blocks += [
            np.ascontiguousarray(values, "<u4").tobytes()
            for values in (steps, part.before, part.after)
        ]
    return zlib.compress(b"".join(blocks), _LEVEL)


def unpack_parts(data: bytes) -> tuple[ChunkEdit, ...]:
    """Return the parts that `pack_parts` was given.

    Raises
    ------
    zlib.error, struct.error, ValueError
        If ``data`` is damaged.
    """
    stream = zlib.decompressobj()
    raw = stream.decompress(data, _MOST_BYTES)
    if not stream.eof:
        raise ValueError("the edit is cut off")
    at, parts = 0, []
    while at < len(raw):
        *place, count = _HEAD.unpack_from(raw, at)
        at += _HEAD.size
        # A count that exceeds the data raises ValueError here, before memory is
        # reserved.
        columns = np.frombuffer(raw, "<u4", 3 * count, at).reshape(3, count)
        at += columns.nbytes
        index = np.cumsum(columns[0]).astype(np.int32)
        parts.append(ChunkEdit(ChunkIndex(*place), index, columns[1], columns[2]))
    return tuple(parts)
