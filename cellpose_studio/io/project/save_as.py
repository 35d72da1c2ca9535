"""Copying a project to another place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from cellpose_studio.core.errors import CannotSave, StudioError
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.project.beside import set_aside
from cellpose_studio.io.project.counts import contents_of
from cellpose_studio.io.project.file import ProjectFile, open_locked
from cellpose_studio.io.project.identity import identify
from cellpose_studio.io.project.images import rewrite_relative_paths
from cellpose_studio.io.project.lock import lock_to_replace, unlock


def save_as(file: ProjectFile, path: Path) -> ProjectFile:
    """Copy an open project to ``path``, replacing what is there, and open the copy.

    Raises
    ------
    CannotSave
        If it cannot be written; ``file`` is as it was, and still open.
    """
    if path.resolve() == file.path.resolve():
        raise CannotSave("The project is saved there already.")
    taken = lock_to_replace(path)
    with _in_words(path):
        try:
            _replace(file, path)
        except BaseException:
            unlock(taken)
            raise
        copy = open_locked(path, taken)
        try:
            _check_same(file, copy)
        except BaseException:
            copy.leave()
            raise
        return copy


def _replace(file: ProjectFile, path: Path) -> None:
    with ExitStack() as others, replacing(path) as part:
        with closing(sqlite3.connect(part)) as target:
            file.db.backup(target)
            rewrite_relative_paths(target, path.parent)
            identify(target, anew=True)
            target.execute("UPDATE meta SET value = '1' WHERE key = 'clean'")
            target.commit()
            target.execute("PRAGMA journal_mode = DELETE")
        # Of the project that was there; SQLite would put them into ours.
        others.enter_context(set_aside(path))


def _check_same(file: ProjectFile, copy: ProjectFile) -> None:
    """Raise `CannotSave` unless the copy, as it is read, has all of the project."""
    if contents_of(copy.db) != contents_of(file.db):
        raise CannotSave(
            f"{copy.path.name} is not what was written to it.", "Choose another folder."
        )


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise CannotSave(
            f"{path.name} could not be saved: {error}.", "Choose another folder."
        ) from error
    except CannotSave:
        raise
    except StudioError as error:
        raise CannotSave(error.message, error.hint) from error
