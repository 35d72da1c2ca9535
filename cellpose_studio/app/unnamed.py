"""Projects that nobody has named yet, in the user's data folder."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path

from cellpose_studio.app.project import Project
from cellpose_studio.io.project.file import SUFFIX, locked_by_another
from cellpose_studio.paths import data_dir


def unnamed_folder() -> Path:
    """Return the folder of unnamed projects; it exists."""
    folder = data_dir() / "projects"
    folder.mkdir(exist_ok=True)
    return folder


def new_unnamed() -> Project:
    """Make an unnamed project; raises `CannotSave`."""
    time = datetime.now().strftime("%Y-%m-%d %H.%M.%S")
    name = f"{time} {secrets.token_hex(2)}{SUFFIX}"
    return Project.create(unnamed_folder() / name, unnamed=True)


def is_unnamed(path: Path) -> bool:
    """Tell whether a project lies where unnamed ones do."""
    return path.resolve().parent == unnamed_folder().resolve()


def left_over() -> list[Path]:
    """Return unnamed projects that no window has open, the newest first."""
    found = [p for p in unnamed_folder().glob(f"*{SUFFIX}") if not locked_by_another(p)]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
