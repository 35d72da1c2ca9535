"""Names of what is being written, which tell who writes, and removing what was left."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path

from cellpose_studio.io.processes import host_name, is_running, start_time

KINDS = ("saving", "rescue", "replaced")

_NAME = re.compile(
    r"\.(?:saving|rescue|replaced)-(?P<host>[0-9a-f]{8})-(?P<process>\d+)-(?P<start>\d+)-"
    r"[0-9a-f]{12}.*"
)
_EARLIER = re.compile(r"\.saving-[0-9a-f]{12}(\.\w+)*|\.rescue-\w{8}")
_AGE = 24 * 60 * 60.0
"""Seconds without a change after which nobody can be at work, on any computer."""
_PAUSE = 60.0
"""Seconds until a folder is looked through again by `remove_leftovers_sometimes`."""

_lock = threading.Lock()
_cleared: dict[Path, float] = {}


def temporary_name(kind: str) -> str:
    """Return a name that no other file has, for something of one of `KINDS`."""
    return f".{kind}-{host_name()}-{os.getpid()}-{start_time()}-{secrets.token_hex(6)}"


def place_for(size: int, folder: Path) -> Path:
    """Return a name for a new file of ``size`` bytes in ``folder``, which is created.

    Raises
    ------
    OSError
        If there is no room for it, or the folder cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    # Half of the space stays for work that is saved meanwhile.
    if size > shutil.disk_usage(folder).free // 2:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), folder)
    return folder / temporary_name("saving")


def remove_leftovers(folder: Path) -> None:
    """Remove what was being written in ``folder`` when a program was killed.

    What it had moved away, to be replaced, comes back where nothing took its place.
    What somebody may still be at work on stays, and so do files of other programs.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(".")]
        for name in names:
            with suppress(OSError):
                _remove_if_left(folder / name)


def remove_leftovers_sometimes(folder: Path) -> None:
    """Do `remove_leftovers`, but not again for a while: a folder may be large."""
    now = time.monotonic()
    with _lock:
        if now - _cleared.get(folder, -_PAUSE) < _PAUSE:
            return
        _cleared[folder] = now
    remove_leftovers(folder)


def _remove_if_left(path: Path) -> None:
    if not _is_left(path):
        return
    if path.is_dir() and not path.is_symlink():
        if path.name.startswith(".replaced-"):
            put_back(path)
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()


def put_back(replaced: Path) -> None:
    """Move what is in a folder of the kind ``replaced`` out to where it was.

    What has been written under its name since then stays.

    Raises
    ------
    OSError
        If something cannot be moved.
    """
    for path in [*replaced.iterdir()]:
        if not os.path.lexists(target := replaced.parent / path.name):
            path.rename(target)


def _is_left(path: Path) -> bool:
    """Return whether a file has a name of ours, and nobody works on it."""
    ours = _NAME.fullmatch(path.name)
    if ours is None and not _EARLIER.fullmatch(path.name):
        return False
    if ours is not None and ours["host"] == host_name():
        return not is_running(int(ours["process"]), int(ours["start"]))
    return path.stat().st_mtime < time.time() - _AGE
