"""How late the event loop is, and running it as the application does."""

from __future__ import annotations

import cProfile
import pstats
from collections import Counter
from collections.abc import Callable
from time import perf_counter, thread_time

import numpy as np
from owners import OWN, Owners
from qtpy.QtCore import QEventLoop, Qt, QTimer

INTERVAL = 5  # ms


class Pulse:
    """Measures by how much a timer is late, in ms.

    On a busy computer, the system may put the thread aside; so it also measures how
    much CPU time the thread of the timer used in between, and how much of that the
    application used itself, rather than napari and what it draws with.

    Parameters
    ----------
    profile
        Whether to find out where the most CPU time goes, which makes it about twice as
        much. Without, `print_worst` prints where the looks of `Owners` found it.
    """

    def __init__(self, profile: bool = False) -> None:
        self._profile = cProfile.Profile(thread_time) if profile else None
        self._worst_profile: cProfile.Profile | None = None
        self._late: list[float] = []
        self._used: list[float] = []
        self._own: list[float] = []
        self._owners = Owners()
        self._places: dict[str, Counter[tuple[str, str, str]]] = {}
        self._timer = QTimer(interval=INTERVAL)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timeout)
        self.restart()
        self._timer.start()

    def restart(self) -> None:
        self._late.clear()
        self._used.clear()
        self._own.clear()
        self._places.clear()
        self._owners.take()
        self._worst_profile = None
        self._begin()

    @property
    def worst(self) -> tuple[float, float]:
        """The longest time by the clock, and the most CPU time, ms."""
        return max(self._late), max(self._used)

    @property
    def own(self) -> float:
        """The most CPU time that the application used in a time, ms."""
        return max(self._own)

    def print_places(self, lines: int = 6) -> None:
        """Print where the most CPU time went, in all and of the application's own."""
        for title, places in self._places.items():
            for (owner, running, at), seconds in places.most_common(lines):
                if owner == OWN or title == "all":
                    print(
                        f"  {title}: {owner} {seconds * 1000:.0f} ms, {running} < {at}"
                    )

    def print_worst(self, lines: int = 45) -> None:
        """Print where the most CPU time between two times went, if that is profiled."""
        if self._worst_profile is not None:
            stats = pstats.Stats(self._worst_profile)
            stats.sort_stats("cumulative").print_stats(lines)

    def row(self, title: str, seconds: float, digits: int = 1) -> str:
        median, high = np.percentile(self._late, (50, 95))
        return (
            f"| {title} | {seconds:.{digits}f} | {median:.1f} | {high:.1f} | "
            f"{max(self._late):.0f} |"
        )

    def _on_timeout(self) -> None:
        now, cpu = perf_counter(), thread_time()
        self._late.append(max(0.0, (now - self._last) * 1000 - INTERVAL))
        self._used.append((cpu - self._cpu) * 1000)
        owned, places = self._owners.take()
        self._own.append(owned[OWN] * 1000)
        for title, values in (("all", self._used), ("own", self._own)):
            if values[-1] == max(values):
                self._places[title] = places
        if self._profile is not None:
            self._profile.disable()
            if self._used[-1] == max(self._used):
                self._worst_profile = self._profile
        self._begin()

    def _begin(self) -> None:
        """Begin to measure until the next time."""
        if self._profile is not None:
            self._profile.disable()
            self._profile = cProfile.Profile(thread_time)
            self._profile.enable()
        self._last, self._cpu = perf_counter(), thread_time()


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
