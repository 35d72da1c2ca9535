"""A write-ahead log read on its own, also behind the place where SQLite stops.

The format is that of https://sqlite.org/fileformat2.html. The checksum of a frame goes
on from the one before it. It is linear, so that each frame is checked by itself, from
the checksum that is stored in the frame before.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint32]
Bytes = npt.NDArray[np.uint8]

_HEADER = struct.Struct(">8I")
_FRAME_HEADER = 24
_CHECKED = 8  # of the bytes of a frame's header
_MAGIC = 0x377F0682
_MASK = 2**32 - 1
_AT_ONCE = 512


@dataclass(frozen=True)
class Frame:
    """A page in a log.

    Attributes
    ----------
    number
        Of the page in the database, from 1.
    pages
        How many pages the database has after the commit that it ends; 0 for none.
    intact
        The frame is as it was written.
    """

    number: int
    pages: int
    content: bytes
    intact: bool = True


class Log:
    """The frames of a write-ahead log.

    Parameters
    ----------
    page_size
        Of the database, where the header of the log does not tell.

    Attributes
    ----------
    salts
        What tells its frames from those of an earlier use of the file.
    has_header
        The header is intact; SQLite reads nothing of the log otherwise.
    """

    def __init__(self, path: Path, page_size: int = 4096) -> None:
        # Not mapped: SQLite may truncate the file while it is read here, and a process
        # that reads what is mapped behind the end of a file is killed.
        raw = np.fromfile(path, np.uint8)
        self._page_size = page_size
        self._order = ">"
        self.salts = (0, 0)
        self.has_header = self._read_header(raw)
        body = raw[_HEADER.size :]
        count = len(body) // (_FRAME_HEADER + self._page_size)
        length = _FRAME_HEADER + self._page_size
        self._frames = body[: count * length].reshape(count, length)
        self._heads = self._frames[:, :_FRAME_HEADER].copy().view(">u4").astype("u4")
        if not self.has_header:
            self._guess_header()
        self._intact = self._checked(raw)
        self._committed = self._last_commit()

    @property
    def page_size(self) -> int:
        """How many bytes a page has."""
        return self._page_size

    @property
    def committed(self) -> int:
        """How many frames there are up to the last commit that SQLite reads."""
        return self._committed

    @property
    def is_empty(self) -> bool:
        """Return whether it has no frame of its own, readable or not."""
        return not self._committed and not len(self._later())

    def frames(self) -> Iterable[Frame]:
        """Yield the frames up to the last commit that SQLite reads."""
        return map(self._frame, range(self._committed))

    def later_frames(self) -> Iterable[Frame]:
        """Yield the frames of this log behind that commit, intact or not."""
        return map(self._frame, self._later())

    def lost_commits(self) -> int:
        """Return how many commits SQLite does not read.

        A transaction that was never committed is none; where a frame is damaged that
        may have ended one, it counts.
        """
        later = self._later()
        commits = int(np.count_nonzero(self._heads[later, 1]))
        return max(commits, int(not self._intact[later].all()))

    def _frame(self, at: int) -> Frame:
        number, pages = (int(n) for n in self._heads[at, :2])
        content = self._frames[at, _FRAME_HEADER:].tobytes()
        return Frame(number, pages, content, bool(self._intact[at]))

    def _read_header(self, raw: Bytes) -> bool:
        if len(raw) < _HEADER.size:
            return False
        head = raw[: _HEADER.size].tobytes()
        magic, _, length, _, *salts, first, second = _HEADER.unpack(head)
        order = ">" if magic & 1 else "<"
        if magic & ~1 != _MAGIC or not 512 <= length <= 65536 or length & (length - 1):
            return False
        words = np.frombuffer(head[:24], f"{order}u4").astype("u4")
        if tuple(_sums(words[None])[0]) != (first, second):
            return False
        self._page_size, self._order = length, order
        self.salts = (salts[0], salts[1])
        return True

    def _guess_header(self) -> None:
        """Take the salts that most frames have, and the order that fits them."""
        if not len(self._heads):
            return
        pairs, counts = np.unique(self._heads[:, 2:4], axis=0, return_counts=True)
        first, second = pairs[counts.argmax()]
        self.salts = (int(first), int(second))
        fitting = {}
        for order in "><":
            self._order = order
            fitting[order] = int(self._checked(np.zeros(0, np.uint8)).sum())
        self._order = max(fitting, key=lambda order: fitting[order])

    def _checked(self, raw: Bytes) -> npt.NDArray[np.bool_]:
        """Return which frames are as they were written."""
        found = np.zeros(len(self._frames), bool)
        start = np.frombuffer(raw[24:32].tobytes().ljust(8, b"\0"), ">u4")
        for at in range(0, len(found), _AT_ONCE):
            part = slice(at, at + _AT_ONCE)
            frames, heads = self._frames[part], self._heads[part]
            words = np.concatenate(
                [frames[:, :_CHECKED], frames[:, _FRAME_HEADER:]], axis=1
            )
            before = np.concatenate([start[None].astype("u4"), heads[:-1, 4:]])
            sums = _sums(words.view(f"{self._order}u4").astype("u4"), before)
            found[part] = (
                (sums == heads[:, 4:]).all(axis=1)
                & (heads[:, 2:4] == self.salts).all(axis=1)
                & (heads[:, 0] > 0)
            )
            start = heads[-1, 4:]
        return found

    def _last_commit(self) -> int:
        if not self.has_header:
            return 0
        bad = np.flatnonzero(~self._intact)
        whole = int(bad[0]) if len(bad) else len(self._intact)
        commits = np.flatnonzero(self._heads[:whole, 1])
        return int(commits[-1]) + 1 if len(commits) else 0

    def _later(self) -> npt.NDArray[np.intp]:
        """Return which frames behind the last commit are not of an earlier use.

        One of the two salts may be damaged; of an earlier use, both differ.
        """
        same = (self._heads[:, 2:4] == self.salts).any(axis=1)
        found = np.flatnonzero(same)
        return found[found >= self._committed]


def with_frames(database: bytes, frames: Iterable[Frame]) -> bytes:
    """Return a database with frames put into it, the latest of each page."""
    pages: dict[int, bytes] = {}
    count = 0
    for frame in frames:
        if frame.number:
            pages[frame.number] = frame.content
        count = frame.pages or count
    if not pages:
        return database
    length = len(next(iter(pages.values())))
    count = count or -(-len(database) // length)
    new = bytearray(database[: count * length])
    new.extend(bytes(count * length - len(new)))
    for number, content in pages.items():
        if number <= count:
            new[(number - 1) * length : number * length] = content
    return bytes(new)


def _sums(words: Words, before: Words | None = None) -> Words:
    """Return SQLite's checksums of rows of words, which go on from ``before``."""
    weights, power = _weights(words.shape[1] // 2)
    sums: Words = words @ weights
    return sums if before is None else sums + before @ power


@cache
def _weights(pairs: int) -> tuple[Words, Words]:
    """Return what each word, and the checksum before, adds to a checksum.

    One pair of words (a, b) makes (s, t) into (s + t + a, s + 2 t + a + b), modulo
    2 to the power of 32.
    """
    weights = np.zeros((2 * pairs, 2), np.uint32)
    step = [[1, 1], [1, 2]]
    power = [[1, 0], [0, 1]]
    for pair in reversed(range(pairs)):
        (p, q), (r, s) = power
        # A pair adds (a, a + b), multiplied by the steps that come after it.
        weights[2 * pair] = (p + q) & _MASK, (r + s) & _MASK
        weights[2 * pair + 1] = q, s
        power = [
            [
                sum(x * y[c] for x, y in zip(row, step, strict=True)) & _MASK
                for c in (0, 1)
            ]
            for row in power
        ]
    return weights, np.array(power, np.uint32).T.copy()
