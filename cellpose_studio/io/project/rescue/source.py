"""One copy of a damaged project: what SQLite reads of it, and what it does not."""

from __future__ import annotations

import mmap
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from cellpose_studio.io.project.checksums import row_sha256
from cellpose_studio.io.project.database import connect
from cellpose_studio.io.project.sqlite.pages import Pages, Value

Values = tuple[Value, ...]

TABLES = {
    "image": "KTtTTTTtTTITTIIB",
    "run": "KITTTB",
    "label_set": "KITiIIB",
    "revision": "KIiTTTTIitTTTBBb",
    "revision_chunk": "IIIIB",
    "journal": "KIiTTTiitbiBb",
    "cell": "IITB",
    "division": "IIIB",
    "cell_class": "KTTIIB",
    "classifier": "KTB",
    "classified": "IIIiiB",
    "confidence": "KIIIB",
    "preset": "TTTB",
    "training": "TIiTB",
    "training_round": "KTB",
    "training_marks": "KTB",
    "batch": "KITTTTB",
    "meta": "TT",
}
"""By table, what its columns hold: the key, an integer, text or blob, or no value."""

_WITH_CHECKSUM_SINCE_2 = ("cell", "preset", "training", "batch")

_KINDS: dict[str, tuple[type, ...]] = {
    "K": (int,),
    "I": (int,),
    "i": (int, type(None)),
    "T": (str,),
    "t": (str, type(None)),
    "B": (bytes,),
    "b": (bytes, type(None)),
}


class Source:
    """All rows that can be made out in a file.

    Attributes
    ----------
    whole
        SQLite finds nothing wrong with it.
    """

    def __init__(self, path: Path) -> None:
        self._chunks: dict[bytes, tuple[int, int]] = {}
        self._carved: dict[str, list[Values]] | None = None
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._pages = Pages(self._map)
        self._db = connect(path, "ro")
        self.whole = self._is_whole()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
        self._map.close()

    def rows(self, table: str) -> Iterator[Values]:
        """Yield rows of a table, those that SQLite reads first."""
        try:
            known = "SELECT 1 FROM sqlite_master WHERE name = ?"
            # Files of earlier versions lack the later tables, and are whole.
            if self._db.execute(known, (table,)).fetchone():
                for row in self._db.execute(f"SELECT * FROM {table}"):  # noqa: S608
                    yield _with_checksum(table, tuple(row))
        except sqlite3.Error:
            self.whole = False
        if not self.whole:
            yield from self._carve().get(table, [])

    def chunk(self, sha256: bytes, fits: Callable[[object], bool]) -> bytes | None:
        """Return the compressed bytes of a chunk if ``fits`` accepts them."""
        with suppress(sqlite3.Error):
            row = self._db.execute(
                "SELECT data FROM chunk WHERE sha256 = ?", (sha256,)
            ).fetchone()
            if row is not None and fits(row[0]):
                return bytes(row[0])
        return self._carved_chunk(sha256, fits)

    def _is_whole(self) -> bool:
        with suppress(sqlite3.Error):
            answer = self._db.execute("PRAGMA quick_check(1)").fetchone()
            return answer is not None and answer[0] == "ok"
        return False

    def _carve(self) -> dict[str, list[Values]]:
        """Read the rows of all tables from the pages, once."""
        if self._carved is None:
            self._carved = {}
            for row in self._pages.rows():
                values = row.values
                if is_row(values, "BB"):
                    self._chunks[bytes(values[0])] = (row.page, row.at)  # type: ignore[arg-type]
                for table, kinds in TABLES.items():
                    keyed = _with_key(values, row.key, kinds)
                    keyed = _with_checksum(table, keyed)
                    if is_row(keyed, kinds):
                        self._carved.setdefault(table, []).append(keyed)
        return self._carved

    def _carved_chunk(
        self, sha256: bytes, fits: Callable[[object], bool]
    ) -> bytes | None:
        self._carve()
        row = self._pages.row_at(*self._chunks.get(sha256, (0, 0)))
        if row is None or len(row.values) != 2 or not fits(row.values[1]):
            return None
        data = row.values[1]
        return data if isinstance(data, bytes) else None


def _with_key(values: Values, key: int | None, kinds: str) -> Values:
    """Put the key where SQLite leaves it out: it is beside the row."""
    if kinds[0] != "K":
        return values
    return (key, *values[1:]) if values and values[0] is None else ()


def is_row(values: Values, kinds: str) -> bool:
    """Return whether a row has the columns of a table, as `TABLES` says."""
    return len(values) == len(kinds) and all(
        isinstance(value, _KINDS[kind])
        for value, kind in zip(values, kinds, strict=True)
    )


def _with_checksum(table: str, values: Values) -> Values:
    """Complete a row of the first version, in which not all tables had checksums."""
    old = table in _WITH_CHECKSUM_SINCE_2 and len(values) == len(TABLES[table]) - 1
    return (*values, row_sha256(*values)) if old else values
