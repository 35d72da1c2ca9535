"""What came of a command: how much was done, what failed, the exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from cellpose_studio.core.checkpoint import Cancelled
from cellpose_studio.core.errors import StudioError

ALL_DONE, SOME_FAILED, FAILED, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: 2 is nothing done, as where argparse refuses an option; 130 Ctrl+C."""


class Outcome:
    """Counts what was done, and keeps why something failed for the end."""

    def __init__(self) -> None:
        self.done = 0
        self._failures: list[str] = []

    @contextmanager
    def noting(self, what: object) -> Iterator[None]:
        """Go on after the block, whatever it raises but a stop."""
        try:
            yield
        except Cancelled:
            raise
        # What is wrong with one image must not end the work on the others.
        except Exception as error:
            self._failures.append(f"{what}: {in_words(error)}")

    def print_failures(self) -> None:
        """List what failed, if anything did."""
        if self._failures:
            counts = f"{self.done} done, {len(self._failures)} failed:"
            print("\n  ".join([counts, *self._failures]), file=sys.stderr)

    @property
    def exit_code(self) -> int:
        """0, 1 or 2."""
        if not self._failures:
            return ALL_DONE
        return SOME_FAILED if self.done else FAILED


def in_words(error: Exception) -> str:
    """Return what to tell the user; the unexpected is printed in full as well."""
    if isinstance(error, StudioError):
        return str(error)
    if isinstance(error, MemoryError):
        return "The computer's memory is not enough. Close other programs."
    traceback.print_exception(error)
    return f"Something unexpected went wrong: {type(error).__name__}: {error}"
