"""Progress reports and cancellation of long-running work."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


class Cancelled(Exception):
    """The user asked the work to stop, and it stopped at a checkpoint."""


class StoppedEarly(Exception):
    """The user ended a training: the best epoch so far is its result."""


def _ignore(done: int, total: int, what: str) -> None:
    """Discard the report; the default of scripts and tests."""


class Checkpoint:
    """Handed to every workflow; the same in the application, a script and a test.

    ``report(done, total, what)`` is called in the thread of the work. ``total``
    of 0 means that the number of steps is not known.

    Attributes
    ----------
    stop_flag
        (1,) bool, True after `stop`: compiled loops, which cannot call `check`, look at
        it and return early; `check` comes after them.
    """

    def __init__(self, report: Callable[[int, int, str], None] = _ignore) -> None:
        self._report = report
        self.stop_flag = np.zeros(1, np.bool_)

    def stop(self) -> None:
        """Make the next `check` or `reached` raise. Any thread may call this."""
        self.stop_flag[0] = True

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return bool(self.stop_flag[0])

    @property
    def waited(self) -> float:
        """Seconds for which the user has let the work wait."""
        return 0.0

    def check(self) -> None:
        """Raise `Cancelled` after `stop`; otherwise do nothing."""
        if self.stopped:
            raise Cancelled

    def reached(self, done: int, total: int, what: str) -> None:
        """Report ``done`` of ``total`` steps of ``what``; raise after `stop`."""
        self.check()
        self._report(done, total, what)


class QuietCheckpoint(Checkpoint):
    """Forwards cancellation of another checkpoint, but no reports."""

    def __init__(self, outer: Checkpoint) -> None:
        super().__init__()
        self._outer = outer

    def check(self) -> None:
        """Raise `Cancelled` if the other one does."""
        self._outer.check()
