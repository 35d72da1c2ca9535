"""A terminal that goes away: streams that cannot be written to, signals that end."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import Any, TextIO

_ENDING = ("SIGTERM", "SIGHUP")
"""Signals that end a command as Ctrl+C does; not every system has all of them."""


class Ended(KeyboardInterrupt):
    """A signal has asked for the end.

    Attributes
    ----------
    number
        That of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Output:
    """A stream whose writes never fail: what cannot be written is dropped.

    The files of an image matter more than the line that announces them.

    Attributes
    ----------
    lost
        Something was dropped for want of space, not because the reader had enough.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream if stream is not None else io.StringIO()
        self.lost = stream is None

    def write(self, text: str) -> int:
        """Write ``text`` if that is possible."""
        self._guarded(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Write what is buffered, if that is possible."""
        self._guarded(self._stream.flush)

    def isatty(self) -> bool:
        """Return whether it is a terminal; a closed stream is none."""
        try:
            return self._stream.isatty()
        except (OSError, ValueError):
            return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _guarded(self, write: Any) -> None:
        try:
            write()
        # A closed stream raises ValueError.
        except (OSError, ValueError) as error:
            enough = isinstance(error, OSError) and error.errno == errno.EPIPE
            self.lost = self.lost or not enough
            self._discard()

    def _discard(self) -> None:
        """Let the stream end nowhere, or its buffer would fail again at the exit."""
        with suppress(OSError, ValueError):
            number = self._stream.fileno()
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, number)
            os.close(nowhere)


@contextmanager
def outputs() -> Iterator[Output]:
    """Replace stdout and stderr by `Output`; yield that of stdout."""
    _fill_closed()
    before = sys.stdout, sys.stderr
    for stream in before:
        # A stream that replaces one of them may be of another class, which cannot be
        # reconfigured.
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal has no letters for must not end the work.
            with suppress(OSError, ValueError):
                stream.reconfigure(errors="backslashreplace")
    replaced = Output(before[0]), Output(before[1])
    sys.stdout, sys.stderr = replaced
    try:
        yield replaced[0]
    finally:
        for output in replaced:
            output.flush()
        sys.stdout, sys.stderr = before


@contextmanager
def ending_signals() -> Iterator[None]:
    """Raise `Ended` in the block when a signal asks for the end."""
    # Python passes signals to the main thread only.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with ExitStack() as stack:
        for name in _ENDING:
            number = getattr(signal, name, None)
            # A command that was started with nohup is to survive its terminal.
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                before = signal.signal(number, _end)
                stack.callback(signal.signal, number, before)
        yield


def _end(number: int, _: FrameType | None) -> None:
    # A second signal must not interrupt the removal of unfinished files.
    signal.signal(number, signal.SIG_IGN)
    raise Ended(number)


def _fill_closed() -> None:
    """Open the standard streams that are closed.

    The next file that is opened would otherwise take the number of one of them, and
    get whatever a library prints.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                # The lowest free number is taken, and this is it.
                os.open(os.devnull, os.O_RDWR)
