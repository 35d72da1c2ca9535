"""How much of the masks on their way to the project file has been written."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class _Revision:
    """The chunks of a revision: all, and those that are written."""

    chunks: int
    written: int = 0


class WriteProgress:
    """Counts the chunks of revisions that are not on the disk yet.

    For any thread.

    Parameters
    ----------
    is_stored
        Tells whether a revision is on the disk.
    """

    def __init__(self, is_stored: Callable[[int], bool]) -> None:
        self._is_stored = is_stored
        self._lock = threading.Lock()
        self._revisions: dict[int, _Revision] = {}

    def expect(self, revision: int, chunks: int) -> None:
        """Take up a revision that is about to be written."""
        with self._lock:
            self._forget_stored()
            self._revisions[revision] = _Revision(chunks)

    def begin(self, revision: int) -> Callable[[int], None]:
        """Return what counts the chunks of a revision as they are written.

        After a failure, a revision is written again from its start.
        """
        with self._lock:
            found = self._revisions.setdefault(revision, _Revision(0))
            found.written = 0

        def wrote(chunks: int) -> None:
            with self._lock:
                found.written = min(found.written + chunks, found.chunks)

        return wrote

    def state(self) -> tuple[int, int]:
        """Return how many chunks are written, and of how many."""
        with self._lock:
            self._forget_stored()
            waiting = self._revisions.values()
            return sum(r.written for r in waiting), sum(r.chunks for r in waiting)

    def _forget_stored(self) -> None:
        for revision in [*self._revisions]:
            if self._is_stored(revision):
                del self._revisions[revision]
