"""When the canvas is drawn: at most once while the screen shows a frame."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from time import perf_counter
from typing import Any

from qtpy.QtCore import QObject, Qt, QTimer

_FRAME = 1 / 60  # s, between the beginnings of two frames
_REST = 0.008  # s, between a frame and the next one, for what the mouse does


def give_view_the_mouse(canvas: Any) -> None:
    """Pass each press and each turn of the wheel to the view of napari's canvas.

    vispy looks for what lies under the mouse by drawing out of sight what could be
    picked, which takes a third of the time of a frame, and has crashed (its issue
    1782). There is nothing but the view that such an event could be for.
    """
    view = canvas.view  # PRIVATE
    canvas._scene_canvas.visual_at = lambda _: view  # PRIVATE


class Frames(QObject):
    """Draws the canvas of napari less often than vispy asks for it.

    vispy asks with each change, and Qt draws before it passes the next move of the
    mouse on. Where that takes longer than a move, as without a graphics card, a stroke
    would lag behind the hand.

    Parameters
    ----------
    canvas
        vispy's canvas of the scene.
    """

    def __init__(self, canvas: Any) -> None:
        super().__init__(canvas.native)
        self._canvas = canvas
        self._draw: Callable[[], None] = canvas.native._vispy_update
        self._before: list[Callable[[], None]] = []
        self._begun = 0.0
        self._next = 0.0
        self._timer = QTimer(self, singleShot=True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._draw)
        canvas.native._vispy_update = self._on_asked  # PRIVATE
        # It comes before vispy draws: what is changed here is in this frame.
        canvas.events.draw.connect(self._on_draw, position="first")
        canvas.native.frameSwapped.connect(self._on_swapped)

    def ask(self) -> None:
        """Draw a frame as soon as one is due."""
        self._canvas.update()

    def call_before(self, action: Callable[[], None]) -> None:
        """Call an action before each frame."""
        self._before.append(action)

    def _on_asked(self) -> None:
        if not self._timer.isActive():
            left = self._next - perf_counter()
            # Drawn at once, a frame would hold the window with what asked for it.
            self._timer.start(max(1, ceil(1000 * left)))

    def _on_draw(self, _: Any) -> None:
        self._timer.stop()
        self._begun = perf_counter()
        self._next = self._begun + _FRAME
        for action in self._before:
            action()

    def _on_swapped(self) -> None:
        self._next = max(self._begun + _FRAME, perf_counter() + _REST)
