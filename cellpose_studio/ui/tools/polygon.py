"""Draw a new cell, or a region for a run or a training, by corners or in one drag."""

from __future__ import annotations

import numpy as np
from psygnal import SignalInstance

from cellpose_studio.ui.canvas.mouse_event import MouseEvent
from cellpose_studio.ui.tools.context import ToolContext
from cellpose_studio.ui.tools.gestures import USE
from cellpose_studio.ui.tools.outline import draw_inside
from cellpose_studio.ui.tools.tool import Point, Tool


class PolygonTool(Tool):
    """Draws a polygon by clicks, or a freehand outline by a drag.

    A click on the first corner or a double click closes the polygon.
    """

    _points: list[Point]
    _plane: tuple[int, ...] | None = None
    _freehand = False
    """Whether the outline is a drag in progress."""

    def press(self, event: MouseEvent) -> bool:
        """Add a corner, or close the polygon on its first one."""
        if not self.context.starts(USE, event):
            return False
        if self._plane is None:
            self._begin(event)
        elif self._is_at_start(event):
            self._close()
        else:
            self._points.append(event.point)
            self._show()
        return True

    def drag(self, event: MouseEvent) -> None:
        """Follow the mouse."""
        if self._plane is not None:
            self._points.append(event.point)
            self._show()

    def release(self, _: MouseEvent, moved: bool) -> None:
        """Close a freehand outline."""
        freehand, self._freehand = self._freehand, False
        if freehand and moved:
            self._close()

    def hover(self, event: MouseEvent) -> None:
        """Show the next side of the polygon."""
        if self._plane is not None:
            self._show(event.point)

    def double_click(self, _: MouseEvent) -> None:
        """Close the polygon."""
        if self._plane is not None:
            self._close()

    def delete(self) -> bool:
        """Remove the last corner."""
        if self._plane is None:
            return False
        if len(self._points) > 1:
            self._points.pop()
        self._show()
        return True

    def cancel(self) -> bool:
        """Discard the polygon."""
        drawing, self._plane = self._plane is not None, None
        self.context.draw()
        return drawing

    def deactivate(self) -> None:
        """Discard the polygon."""
        self.cancel()

    def _begin(self, event: MouseEvent) -> None:
        self.context.make_masks(event)
        if self.context.labels is not None:
            self._plane = self.context.plane_at(event)
            self._points, self._freehand = [event.point], True

    def _is_at_start(self, event: MouseEvent) -> bool:
        distance = np.hypot(*(np.array(event.point) - self._points[0]))
        return len(self._points) > 1 and bool(distance < event.reach)

    def _show(self, *following: Point) -> None:
        self.context.draw([*self._points, *following])

    def _close(self) -> None:
        plane, points = self._plane, self._points
        self.cancel()
        draw_inside(self.context, plane, points)


class RegionTool(PolygonTool):
    """Draws a rectangle by a drag, or a polygon by clicks, and tells of it.

    Parameters
    ----------
    drawn
        A signal of the context; it tells the points (x, y) and the plane of the masks.
    """

    _rectangle = False

    def __init__(self, context: ToolContext, drawn: SignalInstance) -> None:
        super().__init__(context)
        self._drawn = drawn

    def drag(self, event: MouseEvent) -> None:
        """Show the rectangle from where the drag began."""
        # Only a drag that begins a shape makes a rectangle of it.
        if self._plane is not None and self._freehand:
            (top, left), (bottom, right) = start, end = self._points[0], event.point
            self._points = [start, (top, right), end, (bottom, left)]
            self._rectangle = True
            self._show(start)

    def cancel(self) -> bool:
        """Discard the shape."""
        self._rectangle = False
        return super().cancel()

    def _begin(self, event: MouseEvent) -> None:
        if self.context.image is not None:
            self._plane = self.context.plane_at(event)
            self._points, self._freehand = [event.point], True

    def _close(self) -> None:
        plane, points, rectangle = self._plane, self._points, self._rectangle
        self.cancel()
        if plane is None or len(points) < 3:
            return
        # No hand is more precise, and the record stays readable.
        drawn = [(round(x, 1), round(y, 1)) for y, x in points]
        corners = _edges(points) if rectangle else drawn
        self._drawn.emit(tuple(corners), plane)


def _edges(points: list[Point]) -> list[Point]:
    """Return corners between pixels, x and y, around all pixels that were touched."""
    y, x = np.round(points).T
    low = float(x.min()), float(y.min())
    return [low, (float(x.max()) + 1, float(y.max()) + 1)]
