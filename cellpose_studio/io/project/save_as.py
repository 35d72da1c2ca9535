"""Saving a project under another name."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from cellpose_studio.core.errors import CannotSave, StudioError
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.project.database import is_newer
from cellpose_studio.io.project.file import ProjectFile, open_locked
from cellpose_studio.io.project.identity import rename_project
from cellpose_studio.io.project.lock import lock_to_replace, unlock
from cellpose_studio.io.project.reading import RESCUE_HINTS, snapshot
from cellpose_studio.io.project.recovery.settle import set_orphans_aside
from cellpose_studio.io.project.recovery.sidecar_files import moved_sidecar_files
from cellpose_studio.io.project.row_counts import content_counts, last_ids
from cellpose_studio.io.project.tables.images import rewrite_paths
from cellpose_studio.paths import real_path

Contents = tuple[Counter[str], Counter[str]]


class ContentLost(CannotSave):
    """What was saved in a project is not there any more, so no copy can be made."""


_PAGES = 500
"""Number of database pages that are copied at a time, 2 MB."""


def save_as(
    file: ProjectFile,
    path: Path,
    ids: Counter[str] | None = None,
    between: Callable[[], None] = lambda: None,
) -> ProjectFile:
    """Copy an open project to ``path``, replacing a file there, and open the copy.

    Parameters
    ----------
    ids
        Highest ids when the project was opened, if another window may write to it:
        rows that it has added since have the same ids as changes made here.
    between
        Called repeatedly while pages are copied; may commit to ``file``.

    Raises
    ------
    CannotSave
        If it cannot be written; ``file`` is unchanged and still open.
    """
    if real_path(path) == real_path(file.path):
        raise CannotSave("The project is already saved there.")
    _check_content(file)
    _check_version(file)
    taken = lock_to_replace(path)
    with _in_words(path):
        try:
            wanted = _replace(file, path, ids, between)
        except BaseException:
            unlock(taken)
            raise
        copy = open_locked(path, taken)
        try:
            _check_same(copy, wanted)
        except BaseException:
            copy.release()
            raise
        return copy


def _replace(
    file: ProjectFile,
    path: Path,
    ids: Counter[str] | None,
    between: Callable[[], None],
) -> Contents:
    """Replace ``path`` with a copy; return the content that it must have."""
    with ExitStack() as others, replacing(path) as part:
        with closing(sqlite3.connect(part)) as target:
            if file.read_only:
                wanted = _copy_unchanged(file, target, ids)
            else:
                wanted = _copy_bit_by_bit(file, target, between)
            rewrite_paths(target, file.path.parent, path.parent)
            rename_project(target)
            target.execute("UPDATE meta SET value = '1' WHERE key = 'clean'")
            target.commit()
            target.execute("PRAGMA journal_mode = DELETE")
        # Of the project that was there; SQLite would put them into ours.
        set_orphans_aside(path)
        others.enter_context(moved_sidecar_files(path))
    return wanted


def _copy_bit_by_bit(
    file: ProjectFile, target: sqlite3.Connection, between: Callable[[], None]
) -> Contents:
    """Copy a project; SQLite adds the commits of this connection to the copy."""

    def after(_: int, remaining: int, __: int) -> None:
        # After the last page, SQLite no longer adds commits to the copy.
        if remaining:
            between()

    file.db.backup(target, pages=_PAGES, progress=after)
    return content_counts(file.db)


def _copy_unchanged(
    file: ProjectFile, target: sqlite3.Connection, ids: Counter[str] | None
) -> Contents:
    """Copy a project that others may write to, in one snapshot with the check."""
    with snapshot(file.db):
        if ids is not None:
            _check_unchanged(file, ids)
        file.db.backup(target)
        return content_counts(file.db)


def _check_version(file: ProjectFile) -> None:
    if is_newer(file.db):
        raise CannotSave(
            f"{file.path.name} was made by a newer version of Cellpose Studio, so it "
            "cannot be saved under another name.",
            "Save masks as files, or install that version.",
        )


def _check_content(file: ProjectFile) -> None:
    if file.is_overwritten():
        raise ContentLost(
            f"{file.path.name} was overwritten with another file while it was open, so "
            "what was saved in it is not there any more.",
            "Save the masks that you see as files.",
        )


def _check_unchanged(file: ProjectFile, ids: Counter[str]) -> None:
    if last_ids(file.db) != ids:
        raise CannotSave(
            f"{file.path.name} was changed in another window after it was opened here, "
            "so the changes of both cannot be saved together. Yours are kept in this "
            "window.",
            "Save your masks as files. Then close the project in the other window, "
            "open it again and import them.",
        )


def _check_same(copy: ProjectFile, wanted: Contents) -> None:
    """Raise `CannotSave` unless the copy reads like the project."""
    if content_counts(copy.db) != wanted:
        raise CannotSave(
            f"{copy.path.name} is not what was written to it.", "Choose another folder."
        )


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        passing = isinstance(error, sqlite3.OperationalError)
        raise CannotSave(
            f"{path.name} could not be saved: {error}.",
            *(("Choose another folder.",) if passing else RESCUE_HINTS),
        ) from error
    except CannotSave:
        raise
    except StudioError as error:
        raise CannotSave(error.message, error.hint, error.command_hint) from error
