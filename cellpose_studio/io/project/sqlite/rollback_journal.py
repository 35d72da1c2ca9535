"""A rollback journal read on its own: the pages as they were before a transaction.

The format is that of https://sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

_HEADER = struct.Struct(">8s5I")
_MAGIC = bytes.fromhex("d9d505f920a163d7")
_UNKNOWN = 2**32 - 1
_STEP = 200
_MASK = 2**32 - 1


def pages_before(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of each page that SQLite would put back."""
    data = path.read_bytes()
    at = 0
    while len(data) - at >= _HEADER.size:
        magic, count, nonce, _, sector, size = _HEADER.unpack_from(data, at)
        if magic != _MAGIC or not _are_sizes(sector, size):
            return
        at += sector
        if count == _UNKNOWN:
            count = (len(data) - at) // (size + 8)
        for _ in range(count):
            record = data[at : at + size + 8]
            if len(record) < size + 8:
                return
            content = record[4:-4]
            if int.from_bytes(record[-4:], "big") != _checksum(content, nonce):
                return
            yield int.from_bytes(record[:4], "big"), content
            at += len(record)
        at += -at % sector


def is_idle(path: Path) -> bool:
    """Return whether it has nothing to put back: the database was not yet touched."""
    with path.open("rb") as file:
        head = file.read(_HEADER.size)
    if not head.strip(b"\0"):
        return True
    return head.startswith(_MAGIC) and head[8:12] == bytes(4)


def _are_sizes(sector: int, page: int) -> bool:
    return 32 <= sector <= 65536 and 512 <= page <= 65536


def _checksum(content: bytes, nonce: int) -> int:
    first = (len(content) - _STEP) % _STEP or _STEP
    return (nonce + sum(content[first : len(content) - _STEP + 1 : _STEP])) & _MASK
