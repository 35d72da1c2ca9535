"""Converts napari's mouse events to pixels of the image and passes them on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from qtpy.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer
from qtpy.QtGui import QMouseEvent, QTabletEvent

from cellpose_studio.ui.canvas.mouse_event import MouseEvent, MouseHandler

ScreenPoint = tuple[float, float]
"""X and Y on the canvas, in screen pixels."""
Place = tuple[ScreenPoint, float | None]
"""A point, and the pressure of a pen there; None for a mouse."""

_REACH = 6.0
"""Tolerance of a click, in screen pixels."""

_REST = 20  # ms without a move, more than vispy and napari leave out


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
        self._taken = False
        self._pen = Pen()
        self._waiting: list[Place] = []
        self._reference: tuple[ScreenPoint, MouseEvent] | None = None
        self._rest = QTimer(singleShot=True, interval=_REST)
        self._rest.timeout.connect(self._on_rest)
        self._forget_move: Callable[[], None] = lambda: None
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

    def receive_all_moves(self, canvas: Any) -> None:
        """Receive each move while something is drawn, also when the window is busy.

        Otherwise, little would be left of an outline that is drawn meanwhile: Qt for
        X11 merges moves that wait, vispy ignores those within 10 ms of the last one,
        and napari passes on one in 5 ms. Both limits are kept, as each move that they
        let pass is work; what they leave out comes with the next move, or when the
        mouse rests.
        """
        merge = Qt.ApplicationAttribute.AA_CompressHighFrequencyEvents
        QCoreApplication.setAttribute(merge, False)
        # It must not fire once the canvas is gone.
        self._rest.setParent(canvas.native)
        self._filter = _NativeFilter(canvas.native, self._pen, self._on_native_move)
        moves = canvas._scene_canvas.events.mouse_move.callbacks  # PRIVATE
        cancel = (call.cancel for call in moves if hasattr(call, "throttle"))
        self._forget_move = next(cancel, self._forget_move)

    def _on_native_move(self, place: ScreenPoint) -> None:
        if self._is_drawing():
            self._waiting.append((place, self._pen.pressure))
            self._rest.start()

    def _on_rest(self) -> None:
        """Pass on the moves that were left out before the mouse came to rest."""
        if self.handler is None or self._reference is None or not self._is_drawing():
            return
        waiting, self._waiting = self._waiting, []
        # A line that one of these moves closes takes no more of them.
        for move in self._moves_at(waiting):
            if self._taken:
                self.handler.drag(move)
            elif self.handler.drawing:
                self.handler.hover(move)

    def _moves(self, native: Any, event: MouseEvent) -> list[MouseEvent]:
        """Return an event with the moves around it that were left out, in order."""
        waiting, self._waiting = self._waiting, []
        self._reference = at, event = _on_screen(native), event
        if all(place != at for place, _ in waiting):
            # It is no move, but a press or a release, which comes last.
            waiting.append((at, event.pressure))
        return self._moves_at(waiting)

    def _moves_at(self, places: Sequence[Place]) -> list[MouseEvent]:
        """Return events like the last one, at other places."""
        assert self._reference is not None
        (x, y), event = self._reference
        scale, zoom = self._scale(), self._model.scene.camera.zoom
        if scale is None:
            return [event]
        *lead, row, column = event.position
        return [
            replace(
                event,
                position=(
                    *lead,
                    row + (at[1] - y) / zoom / scale[-2],
                    column + (at[0] - x) / zoom / scale[-1],
                ),
                # A pen that is not down has none.
                pressure=None if event.pressure is None else pressure,
            )
            for at, pressure in places
        ]

    def _is_drawing(self) -> bool:
        return self._taken or (self.handler is not None and self.handler.drawing)

    def _on_drag(self, _: Any, native: Any) -> Iterator[None]:
        event = self._convert(native)
        if self.handler is None or event is None:
            return
        start, moved = event, False
        # A move that still waits came before the press, so it is no part of the drag.
        self._forget_move()
        if self._closes_line(native, event):
            return
        self._reference = _on_screen(native), event
        taken = self._taken = self.handler.press(event)
        camera = self._model.scene.camera
        # A drag that a tool takes must not pan the view as well.
        camera.mouse_pan = not taken
        yield
        while native.type == "mouse_move":
            # If the image was removed meanwhile, the last position is used.
            event = self._convert(native, start.button) or event
            moved = moved or _far(start, event)
            if taken:
                for move in self._moves(native, event):
                    self.handler.drag(move)
            yield
        event = self._convert(native, start.button) or event
        # The release may lie elsewhere than the last move.
        last = self._moves(native, event)
        moved = moved or any(_far(start, move) for move in last)
        if taken and moved:
            for move in last:
                self.handler.drag(move)
        camera.mouse_pan = True
        self._taken = False
        self.handler.release(event, moved)
        if self.observer is not None and (taken or not moved):
            self.observer(event, True)

    def _closes_line(self, native: Any, event: MouseEvent) -> bool:
        """Return whether moves before a press have finished what was drawn."""
        if self.handler is None or not self.handler.drawing:
            self._waiting.clear()
            return False
        for move in self._moves(native, event):
            self.handler.hover(move)
        return not self.handler.drawing

    def _on_move(self, _: Any, native: Any) -> None:
        event = self._convert(native, 0)
        if self.handler is not None and event is not None:
            for move in self._moves(native, event):
                self.handler.hover(move)
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
        pressed = native.button if button is None else button
        return MouseEvent(
            tuple(float(p) / s for p, s in zip(position, scale, strict=True)),
            pressed,
            frozenset(native.modifiers),
            self.reach,
            erases=self._pen.erases if pressed else False,
            pressure=self._pen.pressure if pressed else None,
        )


class Pen:
    """The pen of a tablet, which acts as a mouse with two ends.

    Each event of a tablet comes right before the mouse event that Qt, or the system,
    makes of it, as nothing accepts the former.

    Attributes
    ----------
    erases
        Whether the last press was of the end that erases.
    pressure
        Of the pen since its press, 0 to 1; None if the last press was of a mouse.
    """

    def __init__(self) -> None:
        self.erases = False
        self.pressure: float | None = None
        self._pressed: tuple[bool, float | None] = (False, None)

    def see(self, event: QEvent) -> None:
        """Follow an event of the canvas."""
        kind = event.type()
        if isinstance(event, QTabletEvent):
            # A release has no pressure; the last point keeps that of the move before.
            if kind == QEvent.Type.TabletPress:
                self._pressed = is_eraser(event), float(event.pressure())
            elif kind == QEvent.Type.TabletMove and self.pressure is not None:
                self.pressure = float(event.pressure())
        elif kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick):
            self.erases, self.pressure = self._pressed
            self._pressed = False, None


def is_eraser(event: QTabletEvent) -> bool:
    """Return whether an event is of the end of a pen that erases; in Qt 5 and 6."""
    if hasattr(QTabletEvent, "PointerType"):  # Qt 5
        kinds: Any = QTabletEvent.PointerType
    else:
        from qtpy.QtGui import QPointingDevice

        kinds = QPointingDevice.PointerType
    return bool(event.pointerType() == kinds.Eraser)


class _NativeFilter(QObject):
    """Sees every event of the canvas, before vispy has it."""

    def __init__(
        self, surface: QObject, pen: Pen, moved: Callable[[ScreenPoint], None]
    ) -> None:
        super().__init__(surface)
        self._pen = pen
        self._moved = moved
        surface.installEventFilter(self)

    def eventFilter(self, _: QObject, event: QEvent) -> bool:
        """Pass on what the pen does, and the position of a move; Qt calls this."""
        self._pen.see(event)
        if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseMove:
            at = event.pos()
            self._moved((float(at.x()), float(at.y())))
        return False


def _on_screen(native: Any) -> ScreenPoint:
    x, y = native.pos
    return float(x), float(y)


def _far(start: MouseEvent, now: MouseEvent) -> bool:
    dy, dx = (a - b for a, b in zip(start.point, now.point, strict=True))
    return float(dy * dy + dx * dx) ** 0.5 > start.reach / 2
