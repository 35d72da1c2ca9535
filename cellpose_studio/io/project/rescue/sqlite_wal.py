"""Merges a write-ahead log into its database without SQLite."""

from __future__ import annotations

import struct

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_MAGIC = 0x377F0682
_MOST = 2**32 - 1


def merge_wal(database: bytes, wal: bytes) -> bytes:
    """Return a database with all committed transactions of its write-ahead log."""
    pages: dict[int, bytes] = {}
    waiting: dict[int, bytes] = {}
    count = 0
    for page, size, content in _frames(wal):
        waiting[page] = content
        # Only the last frame of a transaction has a size, which marks the commit.
        if size:
            pages |= waiting
            waiting, count = {}, size
    return _with_pages(database, pages, count)


def _with_pages(database: bytes, pages: dict[int, bytes], count: int) -> bytes:
    if not pages:
        return database
    length = len(next(iter(pages.values())))
    new = bytearray(database[: count * length])
    new.extend(bytes(count * length - len(new)))
    for page, content in pages.items():
        if page <= count:
            new[(page - 1) * length : page * length] = content
    return bytes(new)


def _frames(wal: bytes) -> list[tuple[int, int, bytes]]:
    """Return page number, size of the database after a commit, and bytes per frame."""
    if len(wal) < _HEADER.size:
        return []
    magic, _, length, _, *salt, _, _ = _HEADER.unpack_from(wal)
    if magic & ~1 != _MAGIC or not 512 <= length <= 65536:
        return []
    order = ">" if magic & 1 else "<"
    sums = _sums(wal[: _HEADER.size - 8], (0, 0), order)
    if sums != _HEADER.unpack_from(wal)[6:]:
        return []
    found = []
    for at in range(_HEADER.size, len(wal) - length - _FRAME.size + 1, length + 24):
        page, size, *frame_salt, first, second = _FRAME.unpack_from(wal, at)
        content = wal[at + _FRAME.size : at + _FRAME.size + length]
        sums = _sums(wal[at : at + 8] + content, sums, order)
        if frame_salt != salt or sums != (first, second) or page == 0:
            break
        found.append((page, size, content))
    return found


def _sums(data: bytes, start: tuple[int, int], order: str) -> tuple[int, int]:
    first, second = start
    for a, b in struct.iter_unpack(f"{order}2I", data):
        first = (first + a + second) & _MOST
        second = (second + b + first) & _MOST
    return first, second
