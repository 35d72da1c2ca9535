"""The rows of a damaged project, from the file and from what a crash left beside it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType

from cellpose_studio.io.project.database import check_tables, connect, version_of
from cellpose_studio.io.project.recovery.belonging import (
    SideFiles,
    examine_damaged,
    side_file,
)
from cellpose_studio.io.project.recovery.settle import lost_changes
from cellpose_studio.io.project.rescue.source import TABLES, Source, Values, is_row
from cellpose_studio.io.project.schema import (
    APPLICATION_ID,
    VERSION,
    migrate,
)
from cellpose_studio.io.project.sqlite.pages import page_size
from cellpose_studio.io.project.sqlite.wal import Frame, Log, with_frames

_KEYS = {
    "revision_chunk": 4,
    "cell": 2,
    "division": 2,
    "classified": 2,
    "training": 2,
}


class Salvage:
    """All rows that can be made out in a project file, and in its log.

    Works on copies in ``folder``; to be used in a ``with`` block.

    Attributes
    ----------
    whole
        SQLite finds nothing wrong with the file.
    lost
        Sentences about what lay beside it.
    """

    def __init__(self, source: Path, folder: Path) -> None:
        found = examine_damaged(source)
        self.lost = tuple(_sentences(source, found))
        copies = _Copies(source, folder, found).paths
        self._sources = [Source(copy) for copy in copies]
        self._main = self._sources[copies.index(folder / _MAIN)]

    def __enter__(self) -> Salvage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for source in self._sources:
            source.close()

    @property
    def whole(self) -> bool:
        """Return whether SQLite finds nothing wrong with the file."""
        return self._main.whole

    def rows(
        self, table: str, fits: Callable[[Values], bool] | None = None
    ) -> list[Values]:
        """Return the rows of a table that ``fits`` accepts, one for each key.

        Where there are several of one key, the latest goes first, and what SQLite reads
        before what it does not.
        """
        found: dict[Values, Values] = {}
        for row in self._candidates(table):
            key = row[: _KEYS.get(table, 1)]
            if key in found or not is_row(row, TABLES[table]):
                continue
            if fits is None or fits(row):
                found[key] = row
        return [found[key] for key in sorted(found, key=repr)]

    def chunk(self, sha256: bytes, fits: Callable[[object], bool]) -> bytes | None:
        """Return the compressed bytes of a chunk if ``fits`` accepts them."""
        found = (source.chunk(sha256, fits) for source in self._sources)
        return next((data for data in found if data is not None), None)

    def _candidates(self, table: str) -> Iterator[Values]:
        for source in self._sources:
            yield from source.rows(table)


_MAIN, _LATER, _DAMAGED = "copy.cpstudio", "later.cpstudio", "damaged.cpstudio"


class _Copies:
    """Copies of a project with the changes that a crash left beside it.

    Attributes
    ----------
    paths
        The latest first: with all intact frames of the log; with what SQLite reads of
        it; and with damaged frames as well, whose rows may be intact.
    """

    def __init__(self, source: Path, folder: Path, found: SideFiles) -> None:
        self._folder = folder
        main = folder / _MAIN
        shutil.copyfile(source, main)
        journal, log = (side_file(source, end) for end in ("-journal", "-wal"))
        if journal in found.to_recover:
            shutil.copyfile(journal, side_file(main, "-journal"))
        self.paths = [main]
        if log.exists() and log.stat().st_size and log not in found.foreign:
            self._add_log(Log(log, page_size(main.read_bytes()[:100])), found)
        for copy in self.paths:
            if not _has_a_start(copy):
                _give_a_start(copy, folder)

    def _add_log(self, log: Log, found: SideFiles) -> None:
        [main] = self.paths
        data = main.read_bytes()
        read = list(log.frames())
        main.write_bytes(with_frames(data, read))
        if not found.lost:
            return
        later = list(log.later_frames())
        intact = [frame for frame in later if frame.intact]
        damaged = [frame for frame in later if not frame.intact]
        self.paths = [
            self._with(_LATER, data, [*read, *intact]),
            main,
            self._with(_DAMAGED, data, [*read, *intact, *damaged]),
        ]

    def _with(self, name: str, data: bytes, frames: list[Frame]) -> Path:
        copy = self._folder / name
        # The frame with the number of pages may be among those that are damaged.
        pages = max((f.number for f in frames if f.intact), default=0)
        longest = max((f.pages for f in frames if f.intact), default=0)
        last = Frame(0, max(pages, longest), b"")
        copy.write_bytes(with_frames(data, [*frames, last]))
        return copy


def _sentences(source: Path, found: SideFiles) -> Iterator[str]:
    for file in found.foreign:
        if not file.name.endswith("-shm"):
            yield f"{file.name} does not belong to this {source.name}: it was left out."
    if found.lost or found.cut_off:
        yield lost_changes(found)


def _has_a_start(copy: Path) -> bool:
    """Return whether SQLite finds the tables; also removes the sidecar files."""
    with suppress(sqlite3.Error, ValueError), closing(connect(copy, "rw")) as db:
        check_tables(db, version_of(db))
        return db.execute("PRAGMA journal_mode = DELETE").fetchone() is not None
    return False


def _give_a_start(copy: Path, folder: Path) -> None:
    """Replace the first page: it is the same in all projects of a version."""
    for version in range(VERSION, 0, -1):
        _replace_start(copy, bytearray(_first_page(folder, version)))
        with closing(connect(copy, "ro")) as db, suppress(sqlite3.Error):
            if db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok":
                return


def _replace_start(copy: Path, start: bytearray) -> None:
    size = len(start)
    pages = max(1, -(-copy.stat().st_size // size))
    # Bytes 28 to 31 of the header are the number of pages of the database.
    start[28:32] = pages.to_bytes(4, "big")
    with copy.open("rb+") as file:
        file.truncate(pages * size)
        file.write(start)


def _first_page(folder: Path, version: int) -> bytes:
    """Return the first page of an empty project; no page is free, none is in a log."""
    fresh = folder / f"fresh-{version}.cpstudio"
    with closing(sqlite3.connect(fresh, isolation_level=None)) as db:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        migrate(db, 0, version)
    data = fresh.read_bytes()
    fresh.unlink()
    return data[: page_size(data)]
