"""Whose code the CPU time of a thread goes to."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from types import FrameType

_OWN = "cellpose_studio"
_DRAWING = ("napari", "vispy", "OpenGL", "app_model")
_INTERVAL = 0.002  # seconds

OWN, DRAWING, QT = "own", "drawing", "Qt"
"""The application; napari and what it draws with; Qt's event loop without Python."""


class Owners:
    """Looks at the stack of the calling thread from another one, every 2 ms.

    The CPU time since the look before goes to whose function is running. What Python's
    and other libraries do counts for their caller: an array operation for the
    application, or a frame of OpenGL for VisPy. A look has to wait for the interpreter
    lock, 5 ms at most, unless an extension holds it for longer.
    """

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._thread)
        self._lock = threading.Lock()
        self._used: Counter[str] = Counter()
        self._places: Counter[tuple[str, str, str]] = Counter()
        self._last = time.clock_gettime(self._clock)
        threading.Thread(target=self._watch, daemon=True).start()

    def take(self) -> tuple[Counter[str], Counter[tuple[str, str, str]]]:
        """Return the seconds of each owner, and of each place, since the last call.

        A place is an owner, the function that runs, and that of the owner. For the
        thread itself. What it used since the last look, 7 ms at most, is shared out as
        what was seen.
        """
        with self._lock:
            now = time.clock_gettime(self._clock)
            seen = self._used.total()
            whole = (seen + now - self._last) / seen if seen else 0.0
            taken = Counter({owner: s * whole for owner, s in self._used.items()})
            places = self._places
            self._used, self._places = Counter(), Counter()
            self._last = now
        return taken, places

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(_INTERVAL):
            with self._lock:
                self._look()

    def _look(self) -> None:
        innermost = sys._current_frames().get(self._thread)
        if innermost is None:
            # The thread has ended.
            return
        now = time.clock_gettime(self._clock)
        used, self._last = now - self._last, now
        stack = [*_frames(innermost)]
        owner, frame = _owner(stack)
        self._used[owner] += used
        self._places[owner, _name(stack[0]), _name(frame)] += used


def _frames(frame: FrameType | None) -> list[FrameType]:
    """Return a stack, from the function that is running outward."""
    stack = []
    while frame is not None:
        stack.append(frame)
        frame = frame.f_back
    return stack


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _owner(stack: list[FrameType]) -> tuple[str, FrameType]:
    """Return who owns what is running, and its innermost function."""
    for frame in stack:
        package = _package(frame)
        if package == _OWN:
            return OWN, frame
        if package in _DRAWING:
            return DRAWING, frame
        if package in ("pulse", "__main__"):
            break
    return QT, stack[0]


def _name(frame: FrameType) -> str:
    name = frame.f_globals.get("__name__", "")
    return f"{name}.{frame.f_code.co_name}:{frame.f_lineno}"
