"""Whose the state of a run in blocks is, also among several computers.

The owner touches its file every few seconds: on another computer nothing else tells
whether its process still runs. Times are those of the computer that has the folder, as
clocks differ.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellpose_studio.io.processes import host_name, is_running, start_time

_OWNER = "owner.json"

BEAT = 20.0
"""Seconds between two signs of life of an owner."""

STALE = 300.0
"""Seconds without one after which an owner on another computer counts as gone."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Who has a folder.

    Attributes
    ----------
    is_here
        Whether it is a process of this computer.
    computer
        Name of its computer.
    """

    is_here: bool
    computer: str


def owner_of(folder: Path) -> Owner | None:
    """Return the process that has a folder, and still runs; None without one."""
    try:
        said = json.loads((folder / _OWNER).read_text("utf-8"))
        is_here = said["host"] == host_name()
        if is_here:
            lives = is_running(int(said["process"]), int(said["start"]))
        else:
            lives = _age(folder) < STALE
        owner = Owner(is_here=is_here, computer=str(said.get("name", "another one")))
    # Without a complete file, nobody has begun.
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return owner if lives else None


def token_of(folder: Path) -> str:
    """Return what the owner of a folder is known by; "" without one."""
    try:
        return str(json.loads((folder / _OWNER).read_text("utf-8"))["token"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _age(folder: Path) -> float:
    """Return how many seconds ago an owner gave a sign of life."""
    probe = folder / f".now-{secrets.token_hex(4)}"
    try:
        probe.touch()
        return probe.stat().st_mtime - (folder / _OWNER).stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)


class Ownership:
    """A folder that is ours, until it is left or another computer takes it over.

    Raises
    ------
    OSError
        If the folder cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self.token = secrets.token_hex(8)
        self._folder = folder
        self._file = folder / _OWNER
        self._ended = threading.Event()
        owner: dict[str, Any] = {
            "host": host_name(),
            "name": socket.gethostname(),
            "process": os.getpid(),
            "start": start_time(),
            "token": self.token,
        }
        self._file.write_text(json.dumps(owner), "utf-8")
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    @property
    def is_lost(self) -> bool:
        """Whether somebody else has taken over the folder."""
        return token_of(self._folder) not in ("", self.token)

    def leave(self) -> None:
        """Say that nobody has the folder; that of another owner stays."""
        self._ended.set()
        self._thread.join()
        if not self.is_lost:
            with suppress(OSError):
                self._file.unlink()

    def _live(self) -> None:
        while not self._ended.wait(BEAT):
            # A network drive that is away for a while must not end the run.
            with suppress(OSError):
                if not self.is_lost:
                    os.utime(self._file)
