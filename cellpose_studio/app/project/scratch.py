"""Projects that nobody has named yet, in the user's data folder."""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from cellpose_studio.app.project.known_projects import ProjectSummary, summary_of
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.errors import StudioError
from cellpose_studio.io.project.file import SUFFIX, locked_by_another
from cellpose_studio.io.project.recovery.sidecar_files import sidecar_files
from cellpose_studio.io.temporary import remove_leftovers
from cellpose_studio.paths import data_dir, real_path

_NEWEST = 20
"""Unnamed projects that are looked into for masks; their names begin with the time."""


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
    return real_path(path).parent == real_path(unnamed_folder())


def unnamed_paths() -> list[Path]:
    """Return the newest unnamed projects that no window has open."""
    paths = sorted(unnamed_folder().glob(f"*{SUFFIX}"), reverse=True)[:_NEWEST]
    return [path for path in paths if not locked_by_another(path)]


def unsaved_project() -> list[ProjectSummary]:
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
            project = summary_of(path, unnamed=True)
            if project.images:
                found.append(project)
            elif not sidecar_files(path):
                path.unlink()
    return sorted(found, key=lambda project: project.changed, reverse=True)
