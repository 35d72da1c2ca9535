"""Noticing that another file was put where a project is open."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from cellpose_studio.io.project.identity import Identity
from cellpose_studio.io.project.recovery.belonging import examine, side_file
from cellpose_studio.io.project.recovery.settle import set_aside

Stamp = tuple[int, ...]


class ProjectReplaced(OSError):
    """Another file lies where the project was, or what is beside it was replaced."""


class ContentReplaced(ProjectReplaced):
    """Another program wrote something else into the file of the project."""


class Watch:
    """Compares the files of an open project with what they were after the last commit.

    Where they look different, they are read: the same project, at the same state, may
    go on. Nothing is opened as long as they look the same.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: list[Stamp | None] = []
        self.remember()

    def remember(self) -> None:
        """Take the files for what was written by us."""
        self._known = self._stamps()

    def check(self, identity: Identity) -> None:
        """Raise unless the files are those of the project, at the state ``identity``.

        Raises
        ------
        ProjectReplaced
        sqlite3.DatabaseError
            If they are damaged.
        """
        now = self._stamps()
        if now == self._known:
            return
        if now[-1] != self._known[-1]:
            raise ProjectReplaced(
                f"the index of the log at {self._path} is another one"
            )
        try:
            found = examine(self._path, in_use=True)
        # Only SQLite may open the file to look at its start: closing a handle of our
        # own would give up its locks.
        except ValueError as error:
            raise ContentReplaced(f"no project is in {self._path}") from error
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                raise ContentReplaced(f"no project is in {self._path}") from error
            raise
        journal = side_file(self._path, "-journal")
        if found.foreign == (journal,):
            # SQLite would put it into the file with the next connection.
            set_aside(self._path, found.foreign)
            now = self._stamps()
            found = replace(found, foreign=())
        if found.foreign or found.tip is None or not found.tip.is_state_of(identity):
            # The file itself, or else what lies beside it.
            changed = now[0] != self._known[0]
            kind = ContentReplaced if changed else ProjectReplaced
            raise kind(f"another project is at {self._path}")
        self._known = now

    def _stamps(self) -> list[Stamp | None]:
        ends = ("-wal", "-journal")
        files = [self._path, *(side_file(self._path, end) for end in ends)]
        index = _stamp(side_file(self._path, "-shm"))
        # It is written through memory, which may change its time at any moment.
        return [*map(_stamp, files), index and index[:2]]


def _stamp(file: Path) -> Stamp | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    times = found.st_mtime_ns, found.st_ctime_ns
    return found.st_dev, found.st_ino, found.st_size, *times
