"""Paint and erase cells with a round brush."""

from __future__ import annotations

import numpy as np

from cellpose_studio.app.masks.stroke import Stroke
from cellpose_studio.core.edits.fragments import split_fragments
from cellpose_studio.core.edits.paint import add_to_cell, cut_from_cell, erase
from cellpose_studio.core.edits.shapes import Patch, brush
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.ui.canvas.mouse_event import MouseEvent
from cellpose_studio.ui.tools.gestures import USE
from cellpose_studio.ui.tools.tool import Point, Tool

_ANGLES = np.linspace(0, 2 * np.pi, 33)
_CIRCLE: list[Point] = list(
    zip(np.sin(_ANGLES).tolist(), np.cos(_ANGLES).tolist(), strict=True)
)
"""Points around a circle of radius 1."""

_SPECKS = 4
"""Smaller fragments, in pixels, are treated as imprecise strokes."""


class BrushTool(Tool):
    """Adds to the cell that a stroke begins on; draws a new cell elsewhere.

    On another plane of its stack, the chosen cell is continued.
    """

    operation = "Brush"
    draws = True
    _stroke: Stroke | None = None
    _plane: tuple[int, ...] = ()
    _last: Point = (0.0, 0.0)
    _cell = 0

    def press(self, event: MouseEvent) -> bool:
        """Begin a stroke."""
        if not self.context.starts(USE, event):
            return False
        # The first stroke on an image without masks creates them.
        if self.draws:
            self.context.make_masks(event)
        plane, image = self.context.plane_at(event), self.context.image
        if self.context.labels is None or plane is None or image is None:
            return False
        self._plane, self._last = plane, event.point
        self._cell = self._cell_for(event)
        self._stroke = self.context.session.begin_stroke(image, self.operation)
        self.drag(event)
        return True

    def drag(self, event: MouseEvent) -> None:
        """Paint along the move of the mouse, and move the outline of the brush."""
        labels = self.context.labels
        if self._stroke is None or self._stroke.ended or labels is None:
            return
        height, width = labels.shape[-2:]
        points = np.array([self._last, event.point])
        patch = brush(points, self.context.brush_size(event), (height, width))
        self._last = event.point
        self._stroke.add(self._edit(patch))
        self.hover(event)

    def release(self, _: MouseEvent, __: bool) -> None:
        """End the stroke, as one undo step."""
        self._end()

    def hover(self, event: MouseEvent) -> None:
        """Show the outline of the brush."""
        self.context.draw(circle(event.point, self.context.brush_size(event)))

    def cancel(self) -> bool:
        """Revert an unfinished stroke."""
        drawing = self._stroke is not None and not self._stroke.ended
        self._stroke = None
        if drawing:
            self.context.session.take_stroke_back()
        self.context.draw()
        return drawing

    def deactivate(self) -> None:
        """End an unfinished stroke, and hide the outline of the brush."""
        self._end()
        self.context.draw()

    def _end(self) -> None:
        stroke, self._stroke = self._stroke, None
        if stroke is not None and not stroke.ended:
            # Fragments are split once, at the end: a stroke may still connect them.
            self._split_fragments(stroke)
            self.context.session.end_stroke()

    def _split_fragments(self, stroke: Stroke) -> None:
        """Split cells that the stroke has cut into fragments.

        Not in volumes, where fragments may be connected through other planes.
        """
        labels, image = self.context.labels, self.context.image
        if labels is not None and image is not None and image.source.planes == 1:
            table, plane = self.context.table, self._plane
            stroke.add(split_fragments(labels, table, stroke.edit, plane, _SPECKS))

    def _cell_for(self, event: MouseEvent) -> int:
        if cell := self.context.cell_at(event):
            return cell
        continued = self.context.cell_to_continue(self._plane)
        return continued or self.context.table.next_id()

    def _edit(self, patch: Patch) -> LabelEdit:
        labels = self.context.labels
        assert labels is not None
        return add_to_cell(
            labels,
            self.context.table,
            patch,
            self._cell,
            self._plane,
            protect=self.context.settings.protect,
            apart=False,
        )


class EraserTool(BrushTool):
    """Erases pixels of the chosen cell, or of all cells if none is chosen."""

    operation = "Erase"
    draws = False

    def _cell_for(self, _: MouseEvent) -> int:
        return self.context.chosen

    def _edit(self, patch: Patch) -> LabelEdit:
        labels, table = self.context.labels, self.context.table
        assert labels is not None
        if self._cell and table.size_of(self._cell):
            return cut_from_cell(
                labels, table, patch, self._cell, self._plane, apart=False
            )
        return erase(labels, table, patch, self._plane, apart=False)


def circle(middle: Point, size: float) -> list[Point]:
    """Return the outline of a brush, Y and X in pixels."""
    y, x = middle
    return [(y + size / 2 * dy, x + size / 2 * dx) for dy, dx in _CIRCLE]
