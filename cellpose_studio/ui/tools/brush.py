"""Paint cells and erase them with a round brush."""

from __future__ import annotations

import numpy as np

from cellpose_studio.app.masks.stroke import Stroke
from cellpose_studio.core.edits.fragments import split_fragments
from cellpose_studio.core.edits.paint import add_to_cell, cut_from_cell, erase
from cellpose_studio.core.edits.shapes import Patch, brush
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.ui.canvas.mouse_event import LEFT, MouseEvent
from cellpose_studio.ui.tools.tool import Tool

Point = tuple[float, float]

_SPECKS = 4
"""Pieces of fewer pixels are what the hand has missed."""


class BrushTool(Tool):
    """A stroke that begins on a cell adds to it; elsewhere, it draws a new cell."""

    operation = "Brush"
    draws = True
    _stroke: Stroke | None = None
    _plane: tuple[int, ...] = ()
    _last: Point = (0.0, 0.0)
    _cell = 0

    def press(self, pointer: MouseEvent) -> bool:
        """Begin a stroke."""
        if pointer.button != LEFT:
            return False
        if self.draws:
            self.hand.make_masks(pointer)
        plane, image = self.hand.plane_at(pointer), self.hand.image
        if self.hand.labels is None or plane is None or image is None:
            return False
        self._cell = self._cell_for(pointer)
        self._plane, self._last = plane, pointer.point
        self._stroke = self.hand.session.begin_stroke(image, self.operation)
        self.drag(pointer)
        return True

    def drag(self, pointer: MouseEvent) -> None:
        """Paint from where the mouse was to where it is."""
        labels = self.hand.labels
        if self._stroke is None or self._stroke.ended or labels is None:
            return
        height, width = labels.shape[-2:]
        points = np.array([self._last, pointer.point])
        patch = brush(points, self.hand.settings.size, (height, width))
        self._last = pointer.point
        self._stroke.add(self._edit(patch))

    def release(self, _: MouseEvent, __: bool) -> None:
        """Make a step of the stroke."""
        self._end()

    def hover(self, pointer: MouseEvent) -> None:
        """Show how large the brush is."""
        self.hand.draw(circle(pointer.point, self.hand.settings.size))

    def leave(self) -> bool:
        """Take back a stroke that goes on."""
        drawing = self._stroke is not None and not self._stroke.ended
        self._stroke = None
        if drawing:
            self.hand.session.take_stroke_back()
        self.hand.draw()
        return drawing

    def put_away(self) -> None:
        """Make a step of a stroke that goes on, and take the brush off the image."""
        self._end()
        self.hand.draw()

    def _end(self) -> None:
        stroke, self._stroke = self._stroke, None
        if stroke is not None and not stroke.ended:
            self._part(stroke)
            self.hand.session.end_stroke()

    def _part(self, stroke: Stroke) -> None:
        """Make cells of what the stroke has cut off others.

        In a volume, it may hang together on other planes.
        """
        labels, image = self.hand.labels, self.hand.image
        if labels is not None and image is not None and image.source.planes == 1:
            table, plane = self.hand.table, self._plane
            stroke.add(split_fragments(labels, table, stroke.edit, plane, _SPECKS))

    def _cell_for(self, pointer: MouseEvent) -> int:
        cell = self.hand.cell_at(pointer)
        return cell or self.hand.table.next_id()

    def _edit(self, patch: Patch) -> LabelEdit:
        labels = self.hand.labels
        assert labels is not None
        return add_to_cell(
            labels,
            self.hand.table,
            patch,
            self._cell,
            self._plane,
            protect=self.hand.settings.protect,
            apart=False,
        )


class EraserTool(BrushTool):
    """Takes pixels from the cell that is chosen, or from all without one."""

    operation = "Erase"
    draws = False

    def _cell_for(self, _: MouseEvent) -> int:
        return self.hand.chosen

    def _edit(self, patch: Patch) -> LabelEdit:
        labels, table = self.hand.labels, self.hand.table
        assert labels is not None
        if self._cell and table.size_of(self._cell):
            return cut_from_cell(
                labels, table, patch, self._cell, self._plane, apart=False
            )
        return erase(labels, table, patch, self._plane, apart=False)


def circle(middle: Point, size: float) -> list[Point]:
    """Return the rim of a brush."""
    angles = np.linspace(0, 2 * np.pi, 33)
    y, x = middle
    ys, xs = y + size / 2 * np.sin(angles), x + size / 2 * np.cos(angles)
    return list(zip(ys.tolist(), xs.tolist(), strict=True))
