"""Copying a project to another place."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from cellpose_studio.core.errors import CannotSave, StudioError
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.project.file import ProjectFile, locked_by_another, open_project
from cellpose_studio.io.project.images import rewrite_relative_paths


def save_as(file: ProjectFile, path: Path) -> ProjectFile:
    """Copy an open project to ``path``, replacing what is there, and open the copy.

    Raises
    ------
    CannotSave
        If it cannot be written; then nothing has changed.
    """
    if path.resolve() == file.path.resolve():
        raise CannotSave("The project is saved there already.")
    if locked_by_another(path):
        raise CannotSave(
            f"{path.name} is open in another window.", "Choose another name."
        )
    try:
        with replacing(path) as part, closing(sqlite3.connect(part)) as target:
            file.db.backup(target)
            rewrite_relative_paths(target, path.parent)
            target.execute("UPDATE meta SET value = '1' WHERE key = 'clean'")
            target.commit()
            target.execute("PRAGMA journal_mode = DELETE")
        return open_project(path)
    except sqlite3.Error as error:
        raise CannotSave(
            f"{path.name} could not be saved: {error}.", "Choose another folder."
        ) from error
    except CannotSave:
        raise
    except StudioError as error:
        raise CannotSave(error.message, error.hint) from error
