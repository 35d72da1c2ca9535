"""Paths of the application's and the user's folders; kinds and hashes of files."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from platformdirs import PlatformDirs

HOME = "CELLPOSE_STUDIO_HOME"
_CELLPOSE_MODELS = "CELLPOSE_LOCAL_MODELS_PATH"
_XDG_CACHE = "XDG_CACHE_HOME"

_PART = 1 << 24
"""Bytes of a file at once: read well within a second even from a slow disk."""

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


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


def trained_folder() -> Path:
    """Return the folder of models trained in the window, which need not exist."""
    return _user_path("data") / "models"


def model_folders() -> list[Path]:
    """Return where Cellpose's models may lie, the folder for new ones first.

    That is Cellpose's own folder, so that it finds them, too. With
    ``CELLPOSE_STUDIO_HOME`` it is the application's, unless Cellpose's own variable
    names a folder.
    """
    named = os.environ.get(_CELLPOSE_MODELS)
    cellpose = Path(named or "~/.cellpose/models").expanduser()
    own = _user_path("data") / "models"
    portable = os.environ.get(HOME) and not named
    return [own, cellpose] if portable else [cellpose, own]


def find_model_file(name: str) -> Path | None:
    """Return where a file of Cellpose's models lies; None if it is not installed."""
    found = (folder / name for folder in model_folders())
    return next((path for path in found if _is_file(path)), None)


def cache_dir() -> Path:
    """Return the folder of data that can be recreated: flows, thumbnails."""
    return _user_dir("cache")


def config_dir() -> Path:
    """Return the folder of settings."""
    return _user_dir("config")


def log_dir() -> Path:
    """Return the folder of logs."""
    return _user_dir("log")


def share_cache_dir() -> None:
    """Let napari and numba use `cache_dir` if the user's cache folder is read-only.

    Both write there when they are imported, and cannot be imported otherwise. On
    Windows and macOS, which have no ``XDG_CACHE_HOME``, nothing changes.
    """
    folder = Path(os.environ.get(_XDG_CACHE) or "~/.cache").expanduser()
    if not can_write_in(folder):
        os.environ[_XDG_CACHE] = str(cache_dir())


def can_write_in(folder: Path) -> bool:
    """Return whether files can be written in ``folder``; it is created if missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Permissions tell nothing about root, or about a disk that is read-only.
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, ValueError):
        return False
    return True


def special_kind(path: Path) -> str:
    """Return what special file is at ``path``: a pipe, a socket, a device; else "".

    To open a pipe waits for whoever writes to it, and a device may have no end. A path
    with nothing behind it is "", too: opening it tells why.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return ""
    return _KINDS.get(stat.S_IFMT(mode), "")


def is_folder(path: Path) -> bool:
    """Return whether there is a folder at ``path``; no if that cannot be told."""
    try:
        return path.is_dir()
    # The folder that it is in may be listed, but not entered.
    except (OSError, ValueError):
        return False


def _is_file(path: Path) -> bool:
    # As for folders.
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def split_name(name: str) -> tuple[str, str]:
    """Return the ``stem`` and ``suffix`` of a path of that name, without making one."""
    dot = name.rfind(".")
    return (name[:dot], name[dot:]) if 0 < dot < len(name) - 1 else (name, "")


def sha256_of(path: Path, check: Callable[[], None] = lambda: None) -> str:
    """Return the SHA-256 of a file, in hexadecimal; ``check`` may raise to stop."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_PART):
            check()
            digest.update(part)
    return digest.hexdigest()


def files_in(
    folder: Path, check: Callable[[], None] = lambda: None
) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield all files below a folder, none if it does not exist.

    Links are not followed, and what cannot be read is left out. ``check`` may raise
    to stop.
    """
    for where, _, names in os.walk(folder):
        for name in names:
            check()
            path = Path(where, name)
            # Another process may have removed it.
            with suppress(OSError):
                yield path, path.lstat()


def real_path(path: Path) -> Path:
    """Return a path without links; one that leads in a circle as far as it leads.

    `Path.resolve` raises an error for such a circle.
    """
    return Path(os.path.realpath(path))


def user_folders() -> dict[str, Path]:
    """Return the folders of the user by kind, whether they exist or not."""
    return {kind: _user_path(kind) for kind in ("data", "cache", "config", "log")}


def _user_dir(kind: str) -> Path:
    """Return the folder of a kind; it is created if missing."""
    folder = _user_path(kind)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _user_path(kind: str) -> Path:
    """Return where the folder of a kind is, or would be.

    ``CELLPOSE_STUDIO_HOME`` puts all of them into one folder, as on a USB stick.
    """
    home = os.environ.get(HOME)
    return Path(home) / kind if home else _platform_dir(kind)


def _platform_dir(kind: str) -> Path:
    dirs = PlatformDirs("cellpose-studio", appauthor=False)
    return Path(getattr(dirs, f"user_{kind}_dir"))
