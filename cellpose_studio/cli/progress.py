"""Progress bar on the terminal."""

from __future__ import annotations

import sys
from types import TracebackType

from tqdm import tqdm


class Progress:
    """Displays the reports of a `Checkpoint`; silent without a terminal."""

    def __init__(self) -> None:
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
        if self._bar is None or self._phase != (what, total):
            self._close()
            self._phase = (what, total)
            # With None, tqdm shows no bar if the output is not a terminal.
            self._bar = tqdm(desc=what, total=total or None, leave=False, disable=None)
        self._bar.update(done - self._bar.n)

    def print_line(self, line: str) -> None:
        """Print a line above the bar."""
        tqdm.write(line, file=sys.stdout)
        # In a pipe, the line would otherwise wait until the buffer is full.
        sys.stdout.flush()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
