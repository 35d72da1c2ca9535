"""Hands files to a window that is open already, before anything heavy is loaded.

The window listens on a socket of its user; on Windows, on a named pipe. Neither Qt nor
NumPy is imported here: a second start should take no longer than a click.

1. The window greets whoever connects. One that is busy does not, and is given up.
2. The other side sends the paths as one line of JSON.
3. The window answers, and opens them.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import socket
import stat
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from io import FileIO
from pathlib import Path
from threading import Event, Thread
from typing import Protocol

from cellpose_studio.paths import data_dir
from cellpose_studio.ui.window.launch.display import DISPLAYS

GREETING = b"cellpose-studio 1\n"
ANSWER = b"opened\n"
MOST_BYTES = 1 << 20
"""Longest message that is read, bytes."""
MOST_PATHS = 10_000
PATIENCE = 2.0
"""Seconds until a window that does not answer is given up."""

_PIPES = "\\\\.\\pipe\\"


class Result(Enum):
    """What became of the files that were to be handed over."""

    OPENED = "opened"
    NOBODY = "nobody listens"
    BUSY = "whoever listens does not answer"


class _Stream(Protocol):
    def read(self, most: int, /) -> bytes | None: ...
    def write(self, content: bytes, /) -> int | None: ...


def address() -> str:
    """Return where the window of this user, folder and display listens.

    It is the path of a socket; on Windows, the name of a pipe.
    """
    try:
        user = getpass.getuser()
    except (ImportError, KeyError, OSError):
        user = "user"
    # A user's session on one display is one desktop: its windows cannot be seen on
    # another.
    displays = [os.environ.get(name, "") for name in DISPLAYS]
    content = json.dumps([user, str(data_dir().resolve()), *displays])
    # A socket's path has at most some hundred characters, hence no folder in it.
    name = f"cellpose-studio-{hashlib.sha256(content.encode()).hexdigest()[:20]}"
    if sys.platform == "win32":
        return name
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    folder = runtime if Path(runtime).is_absolute() else tempfile.gettempdir()
    return str(Path(folder) / name)


def encode(paths: Sequence[Path]) -> bytes:
    """Return the message that asks a window to open absolute ``paths``.

    Raises
    ------
    ValueError
        If there are more than a message may contain.
    """
    message = json.dumps({"paths": [str(path) for path in paths]}).encode() + b"\n"
    if len(message) > MOST_BYTES or len(paths) > MOST_PATHS:
        raise ValueError("too many files for one message")
    return message


def decode(message: bytes) -> list[Path]:
    """Return the paths in a message, which may come from any program.

    Raises
    ------
    ValueError
        If it is anything but a list of absolute paths.
    """
    if len(message) > MOST_BYTES:
        raise ValueError("too long")
    try:
        content = json.loads(message)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(content, dict) or content.keys() != {"paths"}:
        raise ValueError("no list of paths")
    texts = content["paths"]
    if not isinstance(texts, list) or len(texts) > MOST_PATHS:
        raise ValueError("no list of paths")
    return [_path(text) for text in texts]


def hand_over(paths: Sequence[Path], where: str, patience: float = PATIENCE) -> Result:
    """Ask the window that listens at ``where`` to open absolute ``paths``.

    Without paths it only comes to the front.
    """
    try:
        message = encode(paths)
    except ValueError:
        return Result.BUSY
    if sys.platform == "win32":
        return _through_pipe(message, where, patience)
    return _through_socket(message, where, patience)


def listens(where: str) -> bool:
    """Return whether a window listens at ``where``, however busy it is."""
    if sys.platform == "win32":
        return Path(_PIPES + where).exists()
    if not _is_own_socket(where):
        return False
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(PATIENCE)
        try:
            channel.connect(where)
        except TimeoutError:
            return True
        except OSError:
            return False
    return True


def _through_socket(message: bytes, where: str, patience: float) -> Result:
    if not _is_own_socket(where):
        return Result.NOBODY
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(patience)
        try:
            channel.connect(where)
        # A window that is so busy that the system queues nobody for it any more.
        except (TimeoutError, BlockingIOError):
            return Result.BUSY
        # After a crash, the file is there, but nobody behind it.
        except OSError:
            return Result.NOBODY
        try:
            with channel.makefile("rwb", buffering=0) as stream:
                return _talk(stream, message, lambda: False)
        except OSError:
            return Result.BUSY


def _through_pipe(message: bytes, where: str, patience: float) -> Result:
    results: list[Result] = []
    given_up = Event()

    def talk() -> None:
        with suppress(OSError), _pipe(where) as stream:
            results.append(Result.BUSY)
            results.append(_talk(stream, message, given_up.is_set))

    _let_it_come_to_the_front()
    # Reading from a pipe has no time limit, but a thread can be left behind.
    thread = Thread(target=talk, daemon=True)
    thread.start()
    thread.join(patience)
    given_up.set()
    return results[-1] if results else Result.NOBODY


def _talk(stream: _Stream, message: bytes, given_up: Callable[[], bool]) -> Result:
    if _line(stream) != GREETING:
        return Result.NOBODY
    if given_up():
        return Result.BUSY
    rest = memoryview(message)
    while rest:
        rest = rest[stream.write(bytes(rest)) or 0 :]
    return Result.OPENED if _line(stream) == ANSWER else Result.BUSY


def _line(stream: _Stream) -> bytes:
    line = b""
    while not line.endswith(b"\n") and len(line) < len(GREETING):
        part = stream.read(1)
        if not part:
            break
        line += part
    return line


def _is_own_socket(where: str) -> bool:
    """Return whether there is a socket that nobody else has put there."""
    if sys.platform == "win32":
        return False
    try:
        found = os.lstat(where)
    except OSError:
        return False
    return stat.S_ISSOCK(found.st_mode) and found.st_uid == os.getuid()


def _pipe(where: str) -> FileIO:
    return FileIO(_PIPES + where, "r+b")


def _let_it_come_to_the_front() -> None:
    """Windows lets only the program in front put another one there."""
    if sys.platform == "win32":
        import ctypes

        any_process = -1
        ctypes.windll.user32.AllowSetForegroundWindow(any_process)


def _path(text: object) -> Path:
    if not isinstance(text, str) or not text or "\0" in text:
        raise ValueError("no path")
    path = Path(text)
    if not path.is_absolute():
        raise ValueError("a path that depends on a folder")
    return path
