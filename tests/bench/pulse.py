"""How late the event loop is, and running it as the application does."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np
from qtpy.QtCore import QEventLoop, Qt, QTimer

INTERVAL = 5  # ms


class Pulse:
    """Measures by how much a timer is late, in ms."""

    def __init__(self) -> None:
        self._late: list[float] = []
        self._timer = QTimer(interval=INTERVAL)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timeout)
        self.restart()
        self._timer.start()

    def restart(self) -> None:
        self._late.clear()
        self._last = perf_counter()

    def row(self, title: str, seconds: float, digits: int = 1) -> str:
        median, high = np.percentile(self._late, (50, 95))
        return (
            f"| {title} | {seconds:.{digits}f} | {median:.1f} | {high:.1f} | "
            f"{max(self._late):.0f} |"
        )

    def _on_timeout(self) -> None:
        now = perf_counter()
        self._late.append(max(0.0, (now - self._last) * 1000 - INTERVAL))
        self._last = now


def until(done: Callable[[], bool]) -> None:
    """Run the event loop as the application does, asleep while nothing happens."""
    loop = QEventLoop()
    timer = QTimer(interval=INTERVAL)
    timer.timeout.connect(lambda: loop.quit() if done() else None)
    timer.start()
    loop.exec()


def wait(seconds: float) -> None:
    """Run the event loop for a time."""
    end = perf_counter() + seconds
    until(lambda: perf_counter() > end)
