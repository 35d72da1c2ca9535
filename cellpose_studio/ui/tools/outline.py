"""Draw a new cell's outline with the right button, as in Cellpose."""

from __future__ import annotations

import numpy as np

from cellpose_studio.core.edits.paint import draw_cell
from cellpose_studio.core.edits.shapes import outline
from cellpose_studio.ui.canvas.mouse_event import RIGHT, MouseEvent
from cellpose_studio.ui.tools.context import ToolContext
from cellpose_studio.ui.tools.tool import Tool

Point = tuple[float, float]

_FEWEST = 3  # points of an outline


class OutlineTool(Tool):
    """A right click begins an outline; it closes itself at its start.

    It follows the mouse with the button down or not; another right click, or the end
    of a drag, closes it wherever it is.
    """

    _points: list[Point]
    _plane: tuple[int, ...] | None = None

    @property
    def drawing(self) -> bool:
        """An outline was begun."""
        return self._plane is not None

    def press(self, pointer: MouseEvent) -> bool:
        """Begin an outline, or close the one that was begun."""
        if pointer.button != RIGHT:
            return False
        if self.drawing:
            self._close()
        else:
            self._begin(pointer)
        return True

    def drag(self, pointer: MouseEvent) -> None:
        """Follow the mouse."""
        self.hover(pointer)

    def release(self, _: MouseEvent, moved: bool) -> None:
        """Close an outline that was dragged; one that was clicked goes on."""
        if moved and self.drawing:
            self._close()

    def hover(self, pointer: MouseEvent) -> None:
        """Follow the mouse, and close the outline where it comes back."""
        if not self.drawing:
            return
        self._points.append(pointer.point)
        self.hand.draw([*self._points])
        if self._is_back(pointer):
            self._close()

    def leave(self) -> bool:
        """Give the outline up."""
        drawing, self._plane = self.drawing, None
        self.hand.draw()
        return drawing

    def _begin(self, pointer: MouseEvent) -> None:
        self.hand.make_masks(pointer)
        if self.hand.labels is not None:
            self._plane = self.hand.plane_at(pointer)
            self._points = [pointer.point]

    def _is_back(self, pointer: MouseEvent) -> bool:
        """Tell whether the line is at its start, having been away from it."""
        away = np.hypot(*(np.array(self._points) - self._points[0]).T)
        return bool(away.max() > 3 * pointer.reach and away[-1] < pointer.reach)

    def _close(self) -> None:
        plane, points = self._plane, self._points
        self.leave()
        draw_inside(self.hand, plane, points)


def draw_inside(
    hand: ToolContext, plane: tuple[int, ...] | None, points: list[Point]
) -> None:
    """Draw a cell inside an outline; one of too few points is none."""
    labels = hand.labels
    if labels is None or plane is None or len(points) < _FEWEST:
        return
    height, width = labels.shape[-2:]
    patch = outline(np.array(points), (height, width))
    protect = hand.settings.protect
    hand.edit(draw_cell(labels, hand.table, patch, plane, protect=protect))
