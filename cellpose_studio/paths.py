"""Paths of the application's resources and of the user's folders."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import PlatformDirs

_HOME = "CELLPOSE_STUDIO_HOME"


def resource(name: str) -> Path:
    """Return the path of a file that the application ships: ``models/index.json``.

    In a wheel or a bundle, resources are inside the package; in a checkout, next to it.

    Raises
    ------
    FileNotFoundError
        If there is no such resource.
    """
    package = Path(__file__).parent
    for folder in (package / "resources", package.parent / "resources"):
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"Cellpose Studio does not ship {name!r}")


def data_dir() -> Path:
    """Return the folder of lasting data: models, recent projects."""
    return _user_dir("data")


def cache_dir() -> Path:
    """Return the folder of data that can be recreated: flows, thumbnails."""
    return _user_dir("cache")


def config_dir() -> Path:
    """Return the folder of settings."""
    return _user_dir("config")


def log_dir() -> Path:
    """Return the folder of logs."""
    return _user_dir("log")


def _user_dir(kind: str) -> Path:
    """Return the folder of a kind; it is created if missing.

    ``CELLPOSE_STUDIO_HOME`` puts all of them into one folder, as on a USB stick.
    """
    home = os.environ.get(_HOME)
    folder = Path(home) / kind if home else _platform_dir(kind)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _platform_dir(kind: str) -> Path:
    dirs = PlatformDirs("cellpose-studio", appauthor=False)
    return Path(getattr(dirs, f"user_{kind}_dir"))
