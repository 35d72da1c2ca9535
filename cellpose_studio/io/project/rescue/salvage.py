"""Rows of a damaged project, read by SQLite or carved from its pages."""

from __future__ import annotations

import mmap
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType

from cellpose_studio.io.project.database import check_tables, connect, version_of
from cellpose_studio.io.project.rescue.sqlite_pages import Pages, Value, page_size
from cellpose_studio.io.project.rescue.sqlite_wal import merge_wal
from cellpose_studio.io.project.schema import APPLICATION_ID, migrate

Values = tuple[Value, ...]

TABLES = {
    "image": "KTtTTTTtTTITTIIB",
    "run": "KITTTB",
    "label_set": "KITiIIB",
    "revision": "KIiTTTTIitTTTBBb",
    "revision_chunk": "IIIIB",
    "journal": "KIiTTTiitbiBb",
    "cell": "IIT",
    "confidence": "KIIIB",
    "preset": "TTT",
    "training": "TIiT",
    "batch": "KITTTT",
    "meta": "TT",
}
"""Types of the columns by table: key, integer, text, blob; in lower case nullable."""

_KEYS = {"revision_chunk": 4, "cell": 2, "training": 2}
_KINDS: dict[str, tuple[type, ...]] = {
    "K": (int,),
    "I": (int,),
    "i": (int, type(None)),
    "T": (str,),
    "t": (str, type(None)),
    "B": (bytes,),
    "b": (bytes, type(None)),
}


class Salvage:
    """All rows that can be recovered from a project file.

    Works on a copy in ``folder``; is used as a context manager.

    Attributes
    ----------
    whole
        Whether SQLite finds no damage in the file.
    """

    def __init__(self, source: Path, folder: Path) -> None:
        self._copy = _copied(source, folder)
        self._pages: Pages | None = None
        self._chunks: dict[bytes, tuple[int, int]] | None = None
        self._carved: dict[str, list[Values]] | None = None
        self._file = self._copy.open("rb")
        self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        self._db = connect(self._copy, "ro")
        self.whole = self._is_whole()

    def __enter__(self) -> Salvage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()
        self._map.close()
        self._file.close()

    def rows(
        self, table: str, fits: Callable[[Values], bool] | None = None
    ) -> list[Values]:
        """Return the rows of a table that ``fits`` accepts, one for each key.

        If several rows have the same key, those read by SQLite have priority.
        """
        found: dict[Values, Values] = {}
        for row in self._candidates(table):
            key = row[: _KEYS.get(table, 1)]
            if key in found or not _is_row(row, TABLES[table]):
                continue
            if fits is None or fits(row):
                found[key] = row
        return [found[key] for key in sorted(found, key=repr)]

    def chunk(self, sha256: bytes, fits: Callable[[object], bool]) -> bytes | None:
        """Return the compressed bytes of a chunk if ``fits`` accepts them."""
        with suppress(sqlite3.Error):
            row = self._db.execute(
                "SELECT data FROM chunk WHERE sha256 = ?", (sha256,)
            ).fetchone()
            if row is not None and fits(row[0]):
                return bytes(row[0])
        return self._carved_chunk(sha256, fits)

    def _candidates(self, table: str) -> Iterator[Values]:
        try:
            for row in self._db.execute(f"SELECT * FROM {table}"):  # noqa: S608
                yield tuple(row)
        except sqlite3.Error:
            self.whole = False
        if not self.whole:
            yield from self._carve().get(table, [])

    def _is_whole(self) -> bool:
        with suppress(sqlite3.Error):
            answer = self._db.execute("PRAGMA quick_check(1)").fetchone()
            return answer is not None and answer[0] == "ok"
        return False

    def _carve(self) -> dict[str, list[Values]]:
        """Read the rows of all tables from the pages, once."""
        if self._carved is None:
            self._carved, self._chunks = {}, {}
            self._pages = Pages(self._map)
            for row in self._pages.rows():
                values = row.values
                if _is_row(values, "BB"):
                    self._chunks[bytes(values[0])] = (row.page, row.at)  # type: ignore[arg-type]
                for table, kinds in TABLES.items():
                    keyed = _with_key(values, row.key, kinds)
                    if _is_row(keyed, kinds):
                        self._carved.setdefault(table, []).append(keyed)
        return self._carved

    def _carved_chunk(
        self, sha256: bytes, fits: Callable[[object], bool]
    ) -> bytes | None:
        self._carve()
        assert self._chunks is not None
        assert self._pages is not None
        row = self._pages.row_at(*self._chunks.get(sha256, (0, 0)))
        if row is None or len(row.values) != 2 or not fits(row.values[1]):
            return None
        data = row.values[1]
        return data if isinstance(data, bytes) else None


def _with_key(values: Values, key: int | None, kinds: str) -> Values:
    """Insert the key, which SQLite stores outside the row."""
    if kinds[0] != "K":
        return values
    return (key, *values[1:]) if values and values[0] is None else ()


def _is_row(values: Values, kinds: str) -> bool:
    return len(values) == len(kinds) and all(
        isinstance(value, _KINDS[kind])
        for value, kind in zip(values, kinds, strict=True)
    )


def _copied(source: Path, folder: Path) -> Path:
    """Copy a file, and merge the log that a crash left next to it."""
    copy = folder / "copy.cpstudio"
    shutil.copyfile(source, copy)
    rollback = source.with_name(f"{source.name}-journal")
    if rollback.exists():
        shutil.copyfile(rollback, folder / f"{copy.name}-journal")
    wal = source.with_name(f"{source.name}-wal")
    if wal.exists():
        copy.write_bytes(merge_wal(copy.read_bytes(), wal.read_bytes()))
    if not _has_a_start(copy):
        _give_a_start(copy, folder)
    return copy


def _has_a_start(copy: Path) -> bool:
    """Return whether SQLite finds the tables; also removes the sidecar files."""
    with suppress(sqlite3.Error, ValueError), closing(connect(copy, "rw")) as db:
        check_tables(db, version_of(db))
        return db.execute("PRAGMA journal_mode = DELETE").fetchone() is not None
    return False


def _give_a_start(copy: Path, folder: Path) -> None:
    """Replace the first page, which is the same in all projects."""
    start = bytearray(_first_page(folder))
    size = len(start)
    pages = max(1, -(-copy.stat().st_size // size))
    # Bytes 28 to 31 of the header are the number of pages of the database.
    start[28:32] = pages.to_bytes(4, "big")
    with copy.open("rb+") as file:
        file.truncate(pages * size)
        file.write(start)


def _first_page(folder: Path) -> bytes:
    """Return the first page of an empty project, without free pages or a log."""
    fresh = folder / "fresh.cpstudio"
    with closing(sqlite3.connect(fresh)) as db:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        migrate(db, 0)
    data = fresh.read_bytes()
    return data[: page_size(data)]
