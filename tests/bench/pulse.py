"""How late the event loop is, and running it as the application does."""

from __future__ import annotations

import cProfile
import gc
import pstats
import threading
from collections.abc import Callable
from functools import wraps
from time import perf_counter, thread_time
from typing import Any, NamedTuple

import numpy as np
from qtpy.QtCore import QEvent, QEventLoop, QObject, Qt, QTimer
from qtpy.QtWidgets import QApplication, QOpenGLWidget

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
        The part of that which is not drawing.
    drawing
        The part in which vispy draws the canvas, Qt puts the window together, and
        napari makes, refreshes and removes layers.
    garbage
        CPU time in which Python looked for garbage, in any thread: all wait for that.
    """

    late: float
    cpu: float
    own: float
    drawing: float
    garbage: float


class DrawingApplication(QApplication):
    """Adds up the CPU time in which the canvas is drawn.

    That is vispy's drawing of the canvas, without what the application does before a
    frame, and Qt's of windows, without the painting of other widgets, which asks our
    models and delegates. What else counts as drawing, `counted` says.
    """

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self.drawn = 0.0  # s
        self._drawing = False
        self._since = 0.0
        self._thread = threading.get_ident()

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        """Handle an event; Qt calls this."""
        kind, now = event.type(), self._drawing
        if kind == QEvent.Type.UpdateRequest:
            now = True
        elif kind == QEvent.Type.Paint:
            now = isinstance(receiver, QOpenGLWidget)
        if now == self._drawing or threading.get_ident() != self._thread:
            return bool(super().notify(receiver, event))
        before = self._turn(now)
        try:
            return bool(super().notify(receiver, event))
        finally:
            self._turn(before)

    def counted(self, function: Callable[..., Any], drawing: bool) -> Any:
        """Return a function whose time counts as drawing, or does not."""

        @wraps(function)
        def call(*given: Any, **options: Any) -> Any:
            if threading.get_ident() != self._thread:
                return function(*given, **options)
            before = self._turn(drawing)
            try:
                return function(*given, **options)
            finally:
                self._turn(before)

        return call

    def _turn(self, drawing: bool) -> bool:
        now = thread_time()
        if self._drawing:
            self.drawn += now - self._since
        before, self._drawing, self._since = self._drawing, drawing, now
        return before


class Pulse:
    """Measures by how much a timer is late, in ms.

    On a busy computer, the system may put the thread aside; so it also measures how
    much CPU time the thread of the timer used in between.

    Parameters
    ----------
    profile
        Whether to find out where the most CPU time goes, which makes it about twice as
        much.
    """

    def __init__(self, profile: bool = False) -> None:
        self._profile = cProfile.Profile(thread_time) if profile else None
        self._worst_profile: cProfile.Profile | None = None
        self._app = QApplication.instance()
        self._late: list[float] = []
        self._used: list[float] = []
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
        for one in (self._late, self._used, self._drawn, self._garbage):
            one.clear()
        self._worst_profile = None
        self._begin()

    @property
    def worst(self) -> Worst:
        """The longest times, each by itself."""
        own = np.subtract(self._used, self._drawn)
        return Worst(
            max(self._late),
            max(self._used),
            float(own.max()),
            max(self._drawn),
            max(self._garbage),
        )

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
        self._drawn.append((self._drawn_by_now() - self._drawn_before) * 1000)
        self._garbage.append((self._collected - self._collected_before) * 1000)
        if self._profile is not None:
            self._profile.disable()
            own = self._used[-1] - self._drawn[-1]
            if own == max(np.subtract(self._used, self._drawn)):
                self._worst_profile = self._profile
        self._begin()

    def _begin(self) -> None:
        """Begin to measure until the next time."""
        if self._profile is not None:
            self._profile.disable()
            self._profile = cProfile.Profile(thread_time)
            self._profile.enable()
        self._drawn_before = self._drawn_by_now()
        self._collected_before = self._collected
        self._last, self._cpu = perf_counter(), thread_time()

    def _drawn_by_now(self) -> float:
        app = self._app
        return app.drawn if isinstance(app, DrawingApplication) else 0.0

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
