"""Passes napari's mouse events on, in pixels of the image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cellpose_studio.ui.canvas.mouse_event import MouseEvent, MouseHandler

_REACH = 6.0
"""Pixels of the screen that a click may miss by."""


class Mouse:
    """The mouse over a viewer; in a 3D view it only turns the image.

    Parameters
    ----------
    scale
        Returns the size of a pixel along each axis; None without an image.
    """

    def __init__(self, model: Any, scale: Callable[[], Sequence[float] | None]) -> None:
        self._model = model
        self._scale = scale
        self.listener: MouseHandler | None = None
        self.watcher: Callable[[MouseEvent, bool], None] | None = None
        # In place of napari's own, which zoom: to a box that is drawn with Alt, and by
        # double clicks.
        model.mouse_drag_callbacks[:] = [self._on_drag]
        model.mouse_move_callbacks.append(self._on_move)
        model.mouse_double_click_callbacks[:] = [self._on_double_click]

    def _on_drag(self, _: Any, event: Any) -> Iterator[None]:
        pointer = self._pointer(event)
        if self.listener is None or pointer is None:
            return
        start, moved = pointer, False
        taken = self.listener.press(pointer)
        camera = self._model.scene.camera
        camera.mouse_pan = not taken
        yield
        while event.type == "mouse_move":
            pointer = self._pointer(event, start.button) or pointer
            moved = moved or _far(start, pointer)
            if taken:
                self.listener.drag(pointer)
            yield
        pointer = self._pointer(event, start.button) or pointer
        moved = moved or _far(start, pointer)
        if taken and moved:
            # Moves of a quick hand are left out, the last one too.
            self.listener.drag(pointer)
        camera.mouse_pan = True
        self.listener.release(pointer, moved)
        if self.watcher is not None and (taken or not moved):
            self.watcher(pointer, True)

    def _on_move(self, _: Any, event: Any) -> None:
        pointer = self._pointer(event, 0)
        if self.listener is not None and pointer is not None:
            self.listener.hover(pointer)
        if self.watcher is not None and pointer is not None:
            self.watcher(pointer, False)

    def _on_double_click(self, _: Any, event: Any) -> None:
        pointer = self._pointer(event)
        if self.listener is not None and pointer is not None:
            self.listener.double_click(pointer)

    def _pointer(self, event: Any, button: int | None = None) -> MouseEvent | None:
        scale = self._scale()
        if scale is None or self._model.dims.ndisplay != 2:
            return None
        position = event.position[-len(scale) :]
        return MouseEvent(
            tuple(float(p) / s for p, s in zip(position, scale, strict=True)),
            event.button if button is None else button,
            frozenset(event.modifiers),
            _REACH / (self._model.scene.camera.zoom * scale[-1]),
        )


def _far(start: MouseEvent, now: MouseEvent) -> bool:
    dy, dx = (a - b for a, b in zip(start.point, now.point, strict=True))
    return float(dy * dy + dx * dx) ** 0.5 > start.reach / 2
