"""Where the application's own files are, and where a user's are kept."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import PlatformDirs

_HOME = "CELLPOSE_STUDIO_HOME"


def resource(name: str) -> Path:
    """Return the path of a file that the application ships: ``models/index.json``.

    A wheel and a bundle have the resources inside the package, a checkout beside it.

    Raises
    ------
    FileNotFoundError
        If the application does not ship it.
    """
    package = Path(__file__).parent
    for folder in (package / "resources", package.parent / "resources"):
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"Cellpose Studio does not ship {name!r}")


def data_dir() -> Path:
    """Return the folder of what a user would miss: models, recent projects."""
    return _user_dir("data")


def cache_dir() -> Path:
    """Return the folder of what can be made again: flows, thumbnails."""
    return _user_dir("cache")


def config_dir() -> Path:
    """Return the folder of settings."""
    return _user_dir("config")


def log_dir() -> Path:
    """Return the folder of logs."""
    return _user_dir("log")


def _user_dir(kind: str) -> Path:
    """Return the folder of that kind; it exists.

    ``CELLPOSE_STUDIO_HOME`` keeps all of them in one place, on a stick for one.
    """
    home = os.environ.get(_HOME)
    folder = Path(home) / kind if home else _platform_dir(kind)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _platform_dir(kind: str) -> Path:
    dirs = PlatformDirs("cellpose-studio", appauthor=False)
    return Path(getattr(dirs, f"user_{kind}_dir"))
