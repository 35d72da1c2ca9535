"""A checkpoint at which work can be paused, and ended early."""

from __future__ import annotations

import threading

from cellpose_studio.core.checkpoint import Checkpoint

_LOOK = 0.1
"""Seconds between two looks at whether paused work is to be stopped."""


class PausableCheckpoint(Checkpoint):
    """Forwards to the checkpoint of a job, and waits at each check while paused.

    Parameters
    ----------
    going
        Set while the work goes on.
    """

    def __init__(self, outer: Checkpoint, going: threading.Event) -> None:
        super().__init__()
        self._outer = outer
        self._going = going

    def check(self) -> None:
        """Wait while paused; raise `Cancelled` after a stop."""
        self._outer.check()
        while not self._going.wait(_LOOK):
            self._outer.check()

    def reached(self, done: int, total: int, what: str) -> None:
        """Report to the job, and check."""
        self.check()
        self._outer.reached(done, total, what)
