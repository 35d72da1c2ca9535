"""The resident memory of a process, watched while it works."""

from __future__ import annotations

import threading
from pathlib import Path


class Memory:
    """The largest resident memory of a process since the last start, GB.

    Attributes
    ----------
    whole
        With pages of files that are mapped, which the system can put aside.
    own
        Without them.
    """

    def __init__(self, process: int | str = "self") -> None:
        self._status = Path(f"/proc/{process}/status")
        self.whole = self.own = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def restart(self) -> None:
        self.whole = self.own = 0.0

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(0.02):
            found = {}
            try:
                text = self._status.read_text()
            except OSError:
                return
            for line in text.splitlines():
                name, _, value = line.partition(":")
                if name in ("VmRSS", "RssAnon"):
                    found[name] = int(value.split()[0]) * 1024 / 1e9
            self.whole = max(self.whole, found.get("VmRSS", 0.0))
            self.own = max(self.own, found.get("RssAnon", 0.0))
