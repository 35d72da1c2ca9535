"""How late the event loop is, and running it as the application does."""

from __future__ import annotations

import cProfile
import gc
import pstats
from collections import Counter
from collections.abc import Callable
from time import perf_counter, thread_time
from typing import NamedTuple

import numpy as np
from owners import DRAWING, OWN, Owners
from qtpy.QtCore import QEventLoop, Qt, QTimer

INTERVAL = 5  # ms
HEADER = (
    "| longest time, ms | clock | CPU of the GUI thread | own | drawing | garbage |"
    "\n|---|---|---|---|---|---|"
)


class Worst(NamedTuple):
    """The longest times between two times of the timer, ms; each by itself.

    Attributes
    ----------
    late
        By the clock.
    cpu
        CPU time of the GUI thread.
    own
        The part of that in the functions of the application, and what they call.
    drawing
        The part in napari, and what it draws with.
    garbage
        CPU time in which Python looked for garbage, in any thread: all wait for that.
    """

    late: float
    cpu: float
    own: float
    drawing: float
    garbage: float


class Pulse:
    """Measures by how much a timer is late, in ms.

    On a busy computer, the system may put the thread aside; so it also measures how
    much CPU time the thread of the timer used in between, and, by looks at the stack,
    whose code that went to.

    Parameters
    ----------
    profile
        Whether to find out where the most CPU time goes, which makes it about twice as
        much.
    """

    def __init__(self, profile: bool = False) -> None:
        self._profile = cProfile.Profile(thread_time) if profile else None
        self._worst_profile: cProfile.Profile | None = None
        self._owners = Owners()
        self._places: dict[str, Counter[tuple[str, str, str]]] = {}
        self._late: list[float] = []
        self._used: list[float] = []
        self._own: list[float] = []
        self._drawn: list[float] = []
        self._garbage: list[float] = []
        self._collecting = self._collected = 0.0
        gc.callbacks.append(self._on_garbage)
        self._timer = QTimer(interval=INTERVAL)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timeout)
        self.restart()
        self._timer.start()

    def restart(self) -> None:
        parts = (self._used, self._own, self._drawn, self._garbage)
        for one in (self._late, *parts):
            one.clear()
        self._places.clear()
        self._worst_profile = None
        self._owners.take()
        self._begin()

    @property
    def worst(self) -> Worst:
        """The longest times, each by itself."""
        parts = (self._used, self._own, self._drawn, self._garbage)
        return Worst(max(self._late), *map(max, parts))

    def print_row(self, title: str) -> None:
        """Print a row of `HEADER`, and where the most CPU time went if profiled."""
        numbers = " | ".join(f"{number:.0f}" for number in self.worst)
        print(f"| {title} | {numbers} |", flush=True)
        self.print_worst()

    def print_worst(self, lines: int = 45) -> None:
        """Print where the most CPU time between two times went, if that is profiled."""
        if self._worst_profile is not None:
            stats = pstats.Stats(self._worst_profile)
            stats.sort_stats("cumulative").print_stats(lines)

    def print_places(self, lines: int = 6) -> None:
        """Print where the most CPU time went, in all and of the application's own."""
        for title, places in self._places.items():
            for (owner, running, at), seconds in places.most_common(lines):
                if owner == OWN or title == "all":
                    print(
                        f"  {title}: {owner} {seconds * 1000:.0f} ms, {running} < {at}"
                    )

    def row(self, title: str, seconds: float, digits: int = 1) -> str:
        median, high = np.percentile(self._late, (50, 95))
        return (
            f"| {title} | {seconds:.{digits}f} | {median:.1f} | {high:.1f} | "
            f"{max(self._late):.0f} |"
        )

    def _on_timeout(self) -> None:
        now, cpu = perf_counter(), thread_time()
        owned, places = self._owners.take()
        self._late.append(max(0.0, (now - self._last) * 1000 - INTERVAL))
        self._used.append((cpu - self._cpu) * 1000)
        self._own.append(owned[OWN] * 1000)
        self._drawn.append(owned[DRAWING] * 1000)
        self._garbage.append((self._collected - self._collected_before) * 1000)
        if self._profile is not None:
            self._profile.disable()
            if self._own[-1] == max(self._own):
                self._worst_profile = self._profile
        for title, values in (("all", self._used), ("own", self._own)):
            if values[-1] == max(values):
                self._places[title] = places
        self._begin()

    def _begin(self) -> None:
        """Begin to measure until the next time."""
        if self._profile is not None:
            self._profile.disable()
            self._profile = cProfile.Profile(thread_time)
            self._profile.enable()
        self._collected_before = self._collected
        self._last, self._cpu = perf_counter(), thread_time()

    def _on_garbage(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._collecting = thread_time()
        else:
            self._collected += thread_time() - self._collecting


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
