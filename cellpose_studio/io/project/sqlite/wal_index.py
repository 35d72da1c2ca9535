"""The index of a write-ahead log in shared memory: how far the log went.

A crash of the program leaves it behind; the next connection makes it anew. The format
is that of https://sqlite.org/walformat.html, in the byte order of the machine.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

_HEADER = struct.Struct("=10I2I")  # up to its checksum, which is of the first ten
_COPIED_UP_TO = 96
_SIZE = 100
_MAX_FRAME, _SALTS = 4, slice(8, 10)
_MASK = 2**32 - 1


def frames_needed(path: Path, salts: tuple[int, int] | None) -> int:
    """Return how many frames a log must have for all that was committed.

    0 if all of them were put into the database, or the index is none of a log with
    these ``salts``, or damaged.
    """
    data = b""
    with suppress(OSError), path.open("rb") as file:
        data = file.read(_SIZE)
    if len(data) < _SIZE or data[: _HEADER.size] != data[48 : 48 + _HEADER.size]:
        return 0
    words = _HEADER.unpack_from(data)
    if _sums(words[:10]) != words[10:]:
        return 0
    # The salts are stored as they are in the log, big-endian.
    own = struct.unpack(">2I", struct.pack("=2I", *words[_SALTS]))
    if salts is not None and own != salts:
        return 0
    (copied,) = struct.unpack_from("=I", data, _COPIED_UP_TO)
    return 0 if copied >= words[_MAX_FRAME] else words[_MAX_FRAME]


def _sums(words: tuple[int, ...]) -> tuple[int, int]:
    first = second = 0
    for a, b in zip(words[::2], words[1::2], strict=True):
        first = (first + a + second) & _MASK
        second = (second + b + first) & _MASK
    return first, second
