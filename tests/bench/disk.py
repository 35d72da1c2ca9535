"""The disk space that runs in blocks take, watched while they work."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

_MAPPED = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) .*/masks/.*\(deleted\)$", re.MULTILINE)


class Disk:
    """The most that a folder, and mapped files of a process, took since a start, GB.

    Mapped are the masks of the cache, whose files have no name any more.

    Parameters
    ----------
    folder
        Of the state of runs; need not be there yet.
    """

    def __init__(self, folder: Path, process: int | str = "self") -> None:
        self._folder, self._maps = folder, Path(f"/proc/{process}/maps")
        self.state = self.mapped = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def restart(self) -> None:
        self.state = self.mapped = 0.0

    def look(self) -> None:
        """Take up what is there now."""
        self.state = max(self.state, size_of(self._folder) / 1e9)
        try:
            text = self._maps.read_text()
        except OSError:
            return
        spans = [(int(a, 16), int(b, 16)) for a, b in _MAPPED.findall(text)]
        self.mapped = max(self.mapped, sum(b - a for a, b in spans) / 1e9)

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(0.5):
            self.look()


def size_of(folder: Path) -> int:
    """Return the bytes on disk of all files in a folder."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(root, name).stat().st_blocks * 512
            except OSError:
                # It was removed meanwhile.
                continue
    return total
