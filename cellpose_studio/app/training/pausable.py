"""Work that can be paused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from cellpose_studio.core.checkpoint import Checkpoint

_LOOK = 0.1
"""Seconds between two looks at whether paused work is to be stopped."""


class Pause:
    """Turned on and off in one thread, and waited for in others.

    Attributes
    ----------
    waited
        Seconds in earlier pauses.
    """

    def __init__(self) -> None:
        self.waited = 0.0
        self._since = 0.0
        self._going = threading.Event()
        self._going.set()

    @property
    def is_on(self) -> bool:
        """Whether the work is to wait."""
        return not self._going.is_set()

    def turn(self, on: bool) -> None:
        """Let the work wait, or go on."""
        if on == self.is_on:
            return
        now = time.monotonic()
        if on:
            self._since = now
            self._going.clear()
        else:
            self.waited += now - self._since
            self._going.set()

    def wait(self, check: Callable[[], None]) -> None:
        """Return when the pause is over; calls ``check``, which may raise."""
        while not self._going.wait(_LOOK):
            check()


class PausableCheckpoint(Checkpoint):
    """Forwards to the checkpoint of a job, and waits at each check while paused."""

    def __init__(self, outer: Checkpoint, pause: Pause) -> None:
        super().__init__()
        self._outer = outer
        self._pause = pause

    @property
    def waited(self) -> float:
        """Seconds for which the user has let the work wait."""
        return self._pause.waited

    def check(self) -> None:
        """Wait while paused; raise `Cancelled` after a stop."""
        self._outer.check()
        self._pause.wait(self._outer.check)

    def reached(self, done: int, total: int, what: str) -> None:
        """Report to the job, and check."""
        self.check()
        self._outer.reached(done, total, what)
