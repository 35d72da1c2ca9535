"""Carves rows from the pages of an SQLite file that SQLite itself cannot read.

The format is documented at https://sqlite.org/fileformat2.html. No value is trusted:
rows that do not fit are skipped.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

Value = int | float | str | bytes | None

_LEAVES = {0x0D: 0, 0x0A: 0, 0x02: 4}
"""Kinds of pages with rows, and the number of bytes before the length of a cell."""
_TABLE_LEAF = 0x0D
_FIRST_PAGE = 100  # bytes of the header of the file
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_USUAL_SIZE = 4096


@dataclass(frozen=True)
class PageRow:
    """A row with its location, as used by `Pages.row_at`."""

    page: int
    at: int
    key: int | None
    values: tuple[Value, ...]


class Pages:
    """The pages of a file, which may be damaged in any way.

    Parameters
    ----------
    size
        Of a page; what the header of the file says if not given.
    """

    def __init__(self, data: bytes | mmap, size: int | None = None) -> None:
        self._data = data
        self._size = size or page_size(data)
        # A page that was given alone is not the one with the header of the file.
        self._in_first = 0 if size else _FIRST_PAGE

    def rows(self) -> Iterator[PageRow]:
        """Yield every row that can be decoded, in no particular order."""
        for page in range(1, len(self._data) // self._size + 1):
            for at in self._cells(page):
                row = self.row_at(page, at)
                if row is not None:
                    yield row

    def row_at(self, page: int, at: int) -> PageRow | None:
        """Return the row at an offset of a page; None if there is none."""
        try:
            return self._row(page, at)
        except (ValueError, LookupError, struct.error):
            return None

    def _cells(self, page: int) -> list[int]:
        start = self._start(page)
        head = start + (self._in_first if page == 1 else 0)
        kind = self._data[head]
        if kind not in _LEAVES:
            return []
        first = head + (12 if kind == 0x02 else 8)
        count = int.from_bytes(self._data[head + 3 : head + 5], "big")
        count = min(count, (self._size - (first - start)) // 2)
        return list(struct.unpack_from(f">{count}H", self._data, first))

    def _row(self, page: int, at: int) -> PageRow:
        start = self._start(page)
        kind = self._data[start + (self._in_first if page == 1 else 0)]
        length, where = self._varint(start + at + _LEAVES[kind])
        key = None
        if kind == _TABLE_LEAF:
            key, where = self._varint(where)
        payload = self._payload(where, length, kind == _TABLE_LEAF)
        return PageRow(page, at, key, tuple(_values(payload)))

    def _payload(self, at: int, length: int, table: bool) -> bytes:
        """Return the bytes of a row, including its overflow pages."""
        if length > len(self._data):
            raise ValueError("longer than the file")
        here = self._local(length, table)
        parts = [self._data[at : at + here]]
        at, left = at + here, length - here
        while left:
            page = int.from_bytes(self._data[at : at + 4], "big")
            start = self._start(page)
            size = min(left, self._size - 4)
            parts.append(self._data[start + 4 : start + 4 + size])
            at, left = start, left - size
        return b"".join(parts)

    def _local(self, length: int, table: bool) -> int:
        """Return how many bytes of a row are stored on its own page."""
        share = self._size - 12
        most = self._size - 35 if table else share * 64 // 255 - 23
        if length <= most:
            return length
        least = share * 32 // 255 - 23
        here = least + (length - least) % (self._size - 4)
        return here if here <= most else least

    def _start(self, page: int) -> int:
        start = (page - 1) * self._size
        if page < 1 or start + self._size > len(self._data):
            raise IndexError(page)
        return start

    def _varint(self, at: int) -> tuple[int, int]:
        return varint(self._data, at)


def page_size(data: bytes | mmap) -> int:
    """Return the page size from the header, or the default if it is invalid."""
    size = int.from_bytes(data[16:18], "big")
    return size if 512 <= size <= 32768 and size & (size - 1) == 0 else _USUAL_SIZE


def varint(data: bytes | mmap, at: int) -> tuple[int, int]:
    """Return a variable-length integer of SQLite, and its end."""
    value = 0
    for n in range(8):
        byte = data[at + n]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + n + 1
    return value << 8 | data[at + 8], at + 9


def _values(payload: bytes) -> Iterator[Value]:
    end, at = varint(payload, 0)
    body = end
    while at < end:
        kind, at = varint(payload, at)
        value, body = _value(payload, kind, body)
        yield value


def _value(payload: bytes, kind: int, at: int) -> tuple[Value, int]:
    if kind in (0, 8, 9):
        return {0: None, 8: 0, 9: 1}[kind], at
    size = _INTEGERS.get(kind, 8) if kind < 12 else (kind - 12) // 2
    raw = payload[at : at + size]
    if len(raw) < size or kind in (10, 11):
        raise ValueError("no value")
    if kind == 7:
        return struct.unpack(">d", raw)[0], at + size
    if kind < 12:
        return int.from_bytes(raw, "big", signed=True), at + size
    return raw.decode() if kind % 2 else raw, at + size
