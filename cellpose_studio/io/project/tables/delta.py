"""Serialisation of edits of label images for the journal."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from cellpose_studio.core.masks.chunks import CHUNK, ChunkIndex
from cellpose_studio.core.masks.edit import ChunkEdit

_HEAD = struct.Struct("<4I")
_LEVEL = 1
# A few damaged or hostile bytes could otherwise decompress to any size.
_BLOCK = 2**16
_MOST_PIXELS = 2**31 // 12


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


def unpack_parts(data: bytes, pixels: int = _MOST_PIXELS) -> tuple[ChunkEdit, ...]:
    """Return what `pack_parts` was given.

    A few bytes can be unpacked to any number: no more is taken than an image with so
    many ``pixels`` can have changed.

    Raises
    ------
    zlib.error, struct.error, ValueError
        If ``data`` is damaged.
    """
    stream = _Stream(data)
    parts = []
    while head := stream.read(_HEAD.size):
        *place, count = _HEAD.unpack(head)
        # Parts without pixels have no end either.
        pixels -= max(count, 1)
        if count > CHUNK * CHUNK or pixels < 0:
            raise ValueError("an edit of more pixels than there are")
        if count == 0:
            continue
        raw = stream.read(12 * count)
        # Loops would be compiled once more for pixels that cannot be written to.
        columns = np.frombuffer(bytearray(raw), "<u4", 3 * count).reshape(3, count)
        index = np.cumsum(columns[0]).astype(np.int32)
        parts.append(ChunkEdit(ChunkIndex(*place), index, columns[1], columns[2]))
    if not stream.is_complete:
        raise ValueError("the edit is cut off")
    return tuple(parts)


class _Stream:
    """Compressed bytes that are unpacked as far as they are asked for."""

    def __init__(self, data: bytes) -> None:
        self._stream = zlib.decompressobj()
        self._data = memoryview(data)
        self._ready = bytearray()

    @property
    def is_complete(self) -> bool:
        """Return whether the end was reached."""
        return self._stream.eof

    def read(self, size: int) -> bytes:
        """Return the next bytes; fewer at the end."""
        while len(self._ready) < size and not self._stream.eof:
            piece = self._stream.decompress(self._packed(), _BLOCK)
            if not piece and not self._data and not self._stream.unconsumed_tail:
                break
            self._ready += piece
        found = bytes(self._ready[:size])
        del self._ready[:size]
        return found

    def _packed(self) -> bytes:
        """Return what was not unpacked yet, little enough to be copied each time."""
        rest = self._stream.unconsumed_tail
        if rest:
            return rest
        rest, self._data = bytes(self._data[:_BLOCK]), self._data[_BLOCK:]
        return rest
