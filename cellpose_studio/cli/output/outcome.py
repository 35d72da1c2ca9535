"""Outcome of a command: counts, failures and the exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from cellpose_studio.core.checkpoint import Cancelled
from cellpose_studio.core.errors import StudioError

ALL_DONE, SOME_FAILED, FAILED, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: 2 is nothing done, as where argparse refuses an option; 130 Ctrl+C."""

SIGNALLED = 128
"""Exit code, plus the number of the signal, after another signal than Ctrl+C's."""


class Outcome:
    """Counts successes, and collects failures and problems to print at the end."""

    def __init__(self) -> None:
        self.done = 0
        self._failures: list[str] = []
        self._problems: list[str] = []

    def add_problem(self, sentence: str) -> None:
        """Record that something was left out although all images were done."""
        self._problems.append(sentence)

    @contextmanager
    def collect_failures(self, what: object) -> Iterator[None]:
        """Record an exception of the block as a failure, except `Cancelled`."""
        try:
            yield
        # A stop ends the whole command, not only the work on one image.
        except Cancelled:
            raise
        # A failure of one image must not stop the work on the others.
        except Exception as error:
            self._failures.append(f"{what}: {error_message(error)}")

    def print_failures(self) -> None:
        """List what failed or was left out, if anything was."""
        for sentence in self._problems:
            print(f"cellpose-studio: {sentence}", file=sys.stderr)
        if self._failures:
            counts = f"{self.done} done, {len(self._failures)} failed:"
            print("\n  ".join([counts, *self._failures]), file=sys.stderr)

    @property
    def exit_code(self) -> int:
        """0, 1 or 2."""
        if not self._failures:
            return SOME_FAILED if self._problems else ALL_DONE
        return SOME_FAILED if self.done else FAILED


def error_message(error: Exception) -> str:
    """Return a message for the user; print the traceback of an unexpected error."""
    if isinstance(error, StudioError):
        return error.in_command_line()
    if isinstance(error, MemoryError):
        return "There is not enough memory. Close other programs."
    traceback.print_exception(error)
    return f"Something unexpected went wrong: {type(error).__name__}: {error}"
