"""Draw a new cell corner by corner, or around it in one go, with the left button."""

from __future__ import annotations

import numpy as np

from cellpose_studio.ui.canvas.mouse_event import LEFT, MouseEvent
from cellpose_studio.ui.tools.outline import Point, draw_inside
from cellpose_studio.ui.tools.tool import Tool


class PolygonTool(Tool):
    """Each click adds a corner; a drag alone draws around a cell.

    The polygon closes at a click on its first corner, or at a double click.
    """

    _points: list[Point]
    _plane: tuple[int, ...] | None = None
    _freehand = False
    """The outline is a drag that goes on."""

    def press(self, pointer: MouseEvent) -> bool:
        """Add a corner, or close the polygon on its first one."""
        if pointer.button != LEFT:
            return False
        if self._plane is None:
            self._begin(pointer)
        elif self._is_at_start(pointer):
            self._close()
        else:
            self._points.append(pointer.point)
            self._show()
        return True

    def drag(self, pointer: MouseEvent) -> None:
        """Follow the mouse."""
        if self._plane is not None:
            self._points.append(pointer.point)
            self._show()

    def release(self, _: MouseEvent, moved: bool) -> None:
        """Close what was drawn in one go."""
        freehand, self._freehand = self._freehand, False
        if freehand and moved:
            self._close()

    def hover(self, pointer: MouseEvent) -> None:
        """Show where the next side would be."""
        if self._plane is not None:
            self._show(pointer.point)

    def double_click(self, _: MouseEvent) -> None:
        """Close the polygon."""
        if self._plane is not None:
            self._close()

    def delete(self) -> bool:
        """Take the last corner back."""
        if self._plane is None:
            return False
        if len(self._points) > 1:
            self._points.pop()
        self._show()
        return True

    def leave(self) -> bool:
        """Give the polygon up."""
        drawing, self._plane = self._plane is not None, None
        self.hand.draw()
        return drawing

    def put_away(self) -> None:
        """Leave nothing on the image."""
        self.leave()

    def _begin(self, pointer: MouseEvent) -> None:
        self.hand.make_masks(pointer)
        if self.hand.labels is not None:
            self._plane = self.hand.plane_at(pointer)
            self._points, self._freehand = [pointer.point], True

    def _is_at_start(self, pointer: MouseEvent) -> bool:
        away = np.hypot(*(np.array(pointer.point) - self._points[0]))
        return len(self._points) > 1 and bool(away < pointer.reach)

    def _show(self, *following: Point) -> None:
        self.hand.draw([*self._points, *following])

    def _close(self) -> None:
        plane, points = self._plane, self._points
        self.leave()
        draw_inside(self.hand, plane, points)
