"""Processes: how to start this application again, and whose files a number left."""

from __future__ import annotations

import socket
import sys
import zlib
from functools import cache

CZI_READER = "--read-czi"
"""Start option of the process that reads CZI files; see `czi_child`."""

_CLOCKS = 2
"""Seconds by which two readings of a process's start may differ."""


def own_command() -> list[str]:
    """Return the command that starts this application once more.

    Modules are not looked for in the current folder, which may be one of data: a file
    named ``json.py`` there would be run in place of Python's own.
    """
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, "-P", "-m", "cellpose_studio"]


@cache
def host_name() -> str:
    """Return a short name of this computer, which others do not have by chance."""
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def start_time() -> int:
    """Return when this process was started, in seconds since 1970."""
    import psutil

    return int(psutil.Process().create_time())


def is_running(process: int, start: int) -> bool:
    """Return whether a process runs; its number may belong to another one by now."""
    import psutil

    try:
        return abs(psutil.Process(process).create_time() - start) <= _CLOCKS
    except psutil.NoSuchProcess:
        return False
    # It is there, but not ours to ask.
    except psutil.Error:
        return True
