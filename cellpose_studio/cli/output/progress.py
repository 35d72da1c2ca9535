"""Progress bar on the terminal, or lines for a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from tqdm import tqdm

_PAUSE = 60
"""Seconds between lines about one image in a log."""


class Progress:
    """Displays the reports of a `Checkpoint`.

    Without a terminal, as in the log of a cluster, a line says what begins, and one a
    minute how far it is.
    """

    def __init__(self) -> None:
        self._said = time.monotonic()
        self._phase = ("", 0)
        self._bar: tqdm[None] | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def report(self, done: int, total: int, what: str) -> None:
        """Show that ``done`` of ``total`` steps of ``what`` are done."""
        if not sys.stderr.isatty():
            if total and time.monotonic() - self._said >= _PAUSE:
                self._say(f"{what} {done} of {total}")
            return
        if self._bar is None or self._phase != (what, total):
            self._close()
            self._phase = (what, total)
            self._bar = tqdm(desc=what, total=total or None, leave=False)
        self._bar.update(done - self._bar.n)

    def begin(self, what: str) -> None:
        """Say in a log that something begins; a bar shows it on a terminal."""
        if not sys.stderr.isatty():
            self._say(f"{what}: started")

    def print_line(self, line: str) -> None:
        """Print a line above the bar."""
        tqdm.write(line, file=sys.stdout)
        # In a pipe, the line would otherwise wait until the buffer is full.
        sys.stdout.flush()

    def _say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)
        self._said = time.monotonic()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
