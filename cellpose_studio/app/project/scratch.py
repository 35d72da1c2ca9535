"""Projects that nobody has named yet, in the user's data folder."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cellpose_studio.app.project.project import Project
from cellpose_studio.core.errors import StudioError
from cellpose_studio.io.project.file import SUFFIX, locked_by_another, read_project
from cellpose_studio.io.project.reading import reading
from cellpose_studio.io.project.recovery.sidecar_files import sidecar_files
from cellpose_studio.io.temporary import remove_leftovers
from cellpose_studio.paths import data_dir


def unnamed_folder() -> Path:
    """Return the folder of unnamed projects; it exists."""
    folder = data_dir() / "projects"
    folder.mkdir(exist_ok=True)
    return folder


def new_unnamed() -> Project:
    """Make an unnamed project; raises `CannotSave`."""
    time = datetime.now().strftime("%Y-%m-%d %H.%M.%S")
    # The random part distinguishes two windows that start in the same second.
    name = f"{time} {secrets.token_hex(2)}{SUFFIX}"
    return Project.create(unnamed_folder() / name, unnamed=True)


def is_unnamed(path: Path) -> bool:
    """Tell whether a project lies where unnamed ones do."""
    return path.resolve().parent == unnamed_folder().resolve()


@dataclass(frozen=True)
class UnsavedProject:
    """An unnamed project that no window has open.

    Attributes
    ----------
    images
        How many there are in it.
    """

    path: Path
    changed: datetime
    images: int


def unsaved_project() -> list[UnsavedProject]:
    """Return unnamed projects with images, the newest first; empty ones are removed.

    Damaged ones are left alone: they can still be rescued by hand.
    """
    found = []
    remove_leftovers(unnamed_folder())
    for path in unnamed_folder().glob(f"*{SUFFIX}"):
        # A window that is still open works on this project.
        if locked_by_another(path):
            continue
        with suppress(StudioError, OSError):
            project = _described(path)
            if project.images:
                found.append(project)
            elif not sidecar_files(path):
                path.unlink()
    return sorted(found, key=lambda project: project.changed, reverse=True)


def _described(path: Path) -> UnsavedProject:
    file = read_project(path)
    try:
        with reading("the list of images"):
            (images,) = file.db.execute("SELECT count(*) FROM image").fetchone()
    finally:
        file.close()
    return UnsavedProject(path, datetime.fromtimestamp(path.stat().st_mtime), images)
