"""Whether the files beside a project go on from what is in it.

SQLite takes a log or a journal for that of a database because of its name. Here, the
file itself and each of the others is read alone, and has to tell the same story.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from cellpose_studio.io.project.database import (
    ALONE,
    check_tables,
    connect,
    version_of,
    was_closed,
)
from cellpose_studio.io.project.identity import Identity, identity_of
from cellpose_studio.io.project.schema import tables_in
from cellpose_studio.io.project.sqlite.identities import identity_in
from cellpose_studio.io.project.sqlite.pages import page_size
from cellpose_studio.io.project.sqlite.rollback_journal import is_idle, pages_before
from cellpose_studio.io.project.sqlite.wal import Frame, Log
from cellpose_studio.io.project.sqlite.wal_index import frames_needed
from cellpose_studio.paths import real_path

_READ_VERSION = 19
_USES_LOG = b"\x02"

ENDS = ("-wal", "-shm", "-journal")
"""What SQLite calls the files beside a database: its log, index and journal."""

_LOOKS = 20
"""Most times to look at files that come and go meanwhile."""


@dataclass(frozen=True)
class SideFiles:
    """What lies beside a project file.

    Attributes
    ----------
    tip
        The state that file and log lead to; None if the file is empty as yet.
    foreign
        Files that do not go on from it, and must not be applied.
    to_recover
        Files that have changes for it.
    lost
        How many changes behind the last one that SQLite reads are there in part.
    cut_off
        There were more changes than the log has.
    """

    tip: Identity | None
    foreign: tuple[Path, ...] = ()
    to_recover: tuple[Path, ...] = ()
    lost: int = 0
    cut_off: bool = False


def side_file(path: Path, end: str) -> Path:
    """Return where SQLite looks for the file that is called ``end``."""
    target = real_path(path)
    return target.with_name(f"{target.name}{end}")


def read_alone(path: Path) -> tuple[Identity | None, bool]:
    """Return what a project file says without what is beside it, and if it was closed.

    No identity means that it has no tables as yet.

    Raises
    ------
    ValueError, sqlite3.Error
        If it is damaged, or no project.
    """
    with closing(connect(path, ALONE)) as db:
        if version_of(db) == 0 and not tables_in(db):
            return None, False
        check_tables(db, version_of(db))
        return identity_of(db), was_closed(db)


def examine(path: Path, in_use: bool = False) -> SideFiles:
    """Find out which files beside a project belong to it; change nothing.

    Parameters
    ----------
    in_use
        This process has it open: handles of our own would give up SQLite's locks.

    Raises
    ------
    ValueError, sqlite3.Error, OSError
        If the file itself cannot be read.
    """
    for _ in range(_LOOKS - 1):
        # SQLite may remove a file beside it meanwhile, for another program.
        with suppress(FileNotFoundError):
            return _examined(path, *read_alone(path), in_use)
    return _examined(path, *read_alone(path), in_use)


def examine_damaged(path: Path) -> SideFiles:
    """Find out what `examine` does, where the file itself may be damaged anywhere."""
    try:
        return examine(path)
    except (ValueError, sqlite3.Error):
        return _examined(path, _carved_identity(path), True, False)


def _examined(
    path: Path, main: Identity | None, closed: bool, in_use: bool
) -> SideFiles:
    log_file, index, journal = (side_file(path, end) for end in ENDS)
    foreign: list[Path] = []
    to_recover: list[Path] = []
    if journal.exists() and not is_idle(journal):
        leads_here = _journal_belongs(journal, main)
        (to_recover if leads_here else foreign).append(journal)
    log = Log(log_file) if _has_content(log_file) else None
    tip, lost, cut_off = main, 0, False
    if log is not None and not _log_belongs(log, main):
        foreign.append(log_file)
    else:
        tip, lost = _end_of(log, main)
        cut_off = not in_use and _is_cut_off(path, log, closed)
        if log is not None and log.committed:
            to_recover.append(log_file)
    # It says nothing of its own, but is one of a log.
    if index.exists() and (log_file in foreign or not log_file.exists()):
        foreign.append(index)
    return SideFiles(tip, tuple(foreign), tuple(to_recover), lost, cut_off)


def _carved_identity(path: Path) -> Identity | None:
    data = path.read_bytes()
    size = page_size(data)
    pages = (data[at : at + size] for at in range(size, len(data), size))
    found = (identity_in(page) for page in pages if len(page) == size)
    return next((identity for identity in found if identity is not None), None)


def _end_of(log: Log | None, main: Identity | None) -> tuple[Identity | None, int]:
    """Return the state that a log leads to, and how many commits are lost behind it."""
    if log is None:
        return main, 0
    states = _identities(log.frames())
    tip = states[-1] if states else main
    return tip, _lost(log, tip)


def _is_cut_off(path: Path, log: Log | None, closed: bool) -> bool:
    """Return whether there was more in the log than there is now."""
    log_file, index, _ = (side_file(path, end) for end in ENDS)
    there = log.committed if log is not None else 0
    if frames_needed(index, log.salts if log is not None else None) > there:
        return True
    return not closed and not log_file.exists() and _uses_log(path)


def _uses_log(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(_READ_VERSION + 1)[_READ_VERSION:] == _USES_LOG


def _has_content(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


def _journal_belongs(journal: Path, main: Identity | None) -> bool:
    """Return whether a journal leads back to the state that the file was at."""
    if main is None:
        return False
    found = [identity_in(page) for number, page in pages_before(journal) if number > 1]
    before = next((identity for identity in found if identity is not None), None)
    return before is not None and (main.is_state_of(before) or main.follows(before))


def _log_belongs(log: Log, main: Identity | None) -> bool:
    """Return whether a log begins at, or goes through, the state of the file."""
    if log.is_empty:
        return log.has_header
    if main is None:
        return _is_whole(log)
    if not log.committed:
        # Nothing of it is applied, but it is told what there was.
        later = _identities(log.later_frames())
        return any(state.project == main.project for state in later)
    states = _identities(log.frames())
    return bool(states) and (
        states[0].follows(main) or any(main.is_state_of(state) for state in states)
    )


def _is_whole(log: Log) -> bool:
    """Return whether a log has every page of a database: the file had none."""
    pages, count = set(), 0
    for frame in log.frames():
        pages.add(frame.number)
        count = frame.pages or count
    return count > 0 and pages >= set(range(1, count + 1))


def _lost(log: Log, tip: Identity | None) -> int:
    """Return how many commits of a log are not read, and in the file neither."""
    later = _identities(log.later_frames())
    if tip and later and all(state.commits <= tip.commits for state in later):
        return 0
    return log.lost_commits()


def _identities(frames: Iterable[Frame]) -> list[Identity]:
    """Return the states that frames lead through, one after the other."""
    found: list[Identity] = []
    for frame in frames:
        identity = identity_in(frame.content)
        if identity is not None and identity not in found[-1:]:
            found.append(identity)
    return found
