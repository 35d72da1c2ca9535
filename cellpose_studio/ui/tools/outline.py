"""Draw a new cell's outline with the right button, as in Cellpose."""

from __future__ import annotations

import numpy as np

from cellpose_studio.core.edits.paint import draw_cell
from cellpose_studio.core.edits.shapes import is_line, outline
from cellpose_studio.core.errors import StudioError
from cellpose_studio.ui.canvas.mouse_event import MouseEvent
from cellpose_studio.ui.tools.context import ToolContext
from cellpose_studio.ui.tools.gestures import OUTLINE
from cellpose_studio.ui.tools.tool import Point, Tool

_FEWEST = 3  # points of an outline


class OutlineTooThin(StudioError):
    """An outline encloses no cell."""


class OutlineTool(Tool):
    """Draws an outline that begins at a right click and closes at its start.

    It follows the mouse with or without the button. Another right click, or the end of
    a drag, closes it anywhere.
    """

    _points: list[Point]
    _plane: tuple[int, ...] | None = None

    @property
    def drawing(self) -> bool:
        """Whether an outline is in progress."""
        return self._plane is not None

    def press(self, event: MouseEvent) -> bool:
        """Begin an outline, or close the one in progress."""
        if not self.context.starts(OUTLINE, event):
            return False
        if self.drawing:
            self._close()
        else:
            self._begin(event)
        return True

    def drag(self, event: MouseEvent) -> None:
        """Follow the mouse."""
        self.hover(event)

    def release(self, _: MouseEvent, moved: bool) -> None:
        """Close an outline after a drag; after a click, continue it."""
        if moved and self.drawing:
            self._close()

    def hover(self, event: MouseEvent) -> None:
        """Follow the mouse, and close the outline on return to its start."""
        if not self.drawing:
            return
        self._points.append(event.point)
        self.context.draw([*self._points])
        if self._is_back(event):
            self._close()

    def cancel(self) -> bool:
        """Discard the outline."""
        drawing, self._plane = self.drawing, None
        self.context.draw()
        return drawing

    def _begin(self, event: MouseEvent) -> None:
        self.context.make_masks(event)
        if self.context.labels is not None:
            self._plane = self.context.plane_at(event)
            self._points = [event.point]

    def _is_back(self, event: MouseEvent) -> bool:
        """Return whether the line has returned to its start."""
        distance = np.hypot(*(np.array(self._points) - self._points[0]).T)
        # The first points are all close to the start: the line has to leave it first.
        left = distance.max() > 3 * event.reach
        return bool(left and distance[-1] < event.reach)

    def _close(self) -> None:
        plane, points = self._plane, self._points
        self.cancel()
        draw_inside(self.context, plane, points)


def draw_inside(
    context: ToolContext, plane: tuple[int, ...] | None, points: list[Point]
) -> None:
    """Draw a cell inside an outline; ignore one that has hardly begun.

    On another plane of its stack, the chosen cell is continued.

    Raises
    ------
    OutlineTooThin
        If the outline is hardly more than a line.
    """
    labels = context.labels
    if labels is None or plane is None:
        return
    height, width = labels.shape[-2:]
    patch = outline(np.array(points), (height, width))
    if is_line(patch):
        sides = " × ".join(str(side) for side in patch.mask.shape)
        raise OutlineTooThin(
            f"No cell was drawn: the outline, {sides} px, is hardly more than a line.",
            "Draw around the whole cell.",
        )
    if len(points) < _FEWEST:
        return
    protect = context.settings.protect
    cell = context.cell_to_continue(plane)
    context.edit(
        draw_cell(labels, context.table, patch, plane, cell=cell, protect=protect)
    )
