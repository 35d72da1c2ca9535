"""Converts napari's mouse events to pixels of the image and passes them on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cellpose_studio.ui.canvas.mouse_event import MouseEvent, MouseHandler

_REACH = 6.0
"""Tolerance of a click, in screen pixels."""


class Mouse:
    """Mouse events of a viewer; in 3D, napari handles them alone.

    Parameters
    ----------
    scale
        Returns the size of a pixel along each axis; None without an image.
    """

    def __init__(self, model: Any, scale: Callable[[], Sequence[float] | None]) -> None:
        self._model = model
        self._scale = scale
        self.handler: MouseHandler | None = None
        self.observer: Callable[[MouseEvent, bool], None] | None = None
        # These replace napari's own callbacks, which zoom on a double click, and to a
        # box that is drawn with Alt.
        model.mouse_drag_callbacks[:] = [self._on_drag]
        model.mouse_move_callbacks.append(self._on_move)
        model.mouse_double_click_callbacks[:] = [self._on_double_click]

    @property
    def reach(self) -> float:
        """Tolerance of a click, in pixels of the image."""
        scale = self._scale()
        return _REACH / (self._model.scene.camera.zoom * (scale[-1] if scale else 1))

    def _on_drag(self, _: Any, native: Any) -> Iterator[None]:
        event = self._convert(native)
        if self.handler is None or event is None:
            return
        start, moved = event, False
        taken = self.handler.press(event)
        camera = self._model.scene.camera
        # A drag that a tool takes must not pan the view as well.
        camera.mouse_pan = not taken
        yield
        while native.type == "mouse_move":
            # If the image was removed meanwhile, the last position is used.
            event = self._convert(native, start.button) or event
            moved = moved or _far(start, event)
            if taken:
                self.handler.drag(event)
            yield
        event = self._convert(native, start.button) or event
        moved = moved or _far(start, event)
        if taken and moved:
            # Quick moves are skipped, possibly including the last one.
            self.handler.drag(event)
        camera.mouse_pan = True
        self.handler.release(event, moved)
        if self.observer is not None and (taken or not moved):
            self.observer(event, True)

    def _on_move(self, _: Any, native: Any) -> None:
        event = self._convert(native, 0)
        if self.handler is not None and event is not None:
            self.handler.hover(event)
        if self.observer is not None and event is not None:
            self.observer(event, False)

    def _on_double_click(self, _: Any, native: Any) -> None:
        event = self._convert(native)
        if self.handler is not None and event is not None:
            self.handler.double_click(event)

    def _convert(self, native: Any, button: int | None = None) -> MouseEvent | None:
        """Return an event in pixels; None without an image and in 3D."""
        scale = self._scale()
        if scale is None or self._model.dims.ndisplay != 2:
            return None
        position = native.position[-len(scale) :]
        return MouseEvent(
            tuple(float(p) / s for p, s in zip(position, scale, strict=True)),
            native.button if button is None else button,
            frozenset(native.modifiers),
            self.reach,
        )


def _far(start: MouseEvent, now: MouseEvent) -> bool:
    dy, dx = (a - b for a, b in zip(start.point, now.point, strict=True))
    return float(dy * dy + dx * dx) ** 0.5 > start.reach / 2
