"""Choose, delete and merge cells by clicks, a lasso or a line."""

from __future__ import annotations

import numpy as np

from cellpose_studio.core.edits.pick import cells_in_polygon, cells_on_line
from cellpose_studio.core.edits.shapes import outline
from cellpose_studio.core.edits.whole import merge_cells
from cellpose_studio.ui.canvas.mouse_event import LEFT, MouseEvent
from cellpose_studio.ui.tools.context import Path, ToolContext
from cellpose_studio.ui.tools.edit_runner import CellEdits
from cellpose_studio.ui.tools.tool import Tool

Point = tuple[float, float]

_DELETE, _MERGE = "Control", "Alt"
_FEWEST = 3  # points of a lasso


class SelectTool(Tool):
    """A click chooses a cell, with Ctrl deletes it, with Alt merges it.

    With Ctrl, a drag is a lasso around cells to delete; with Alt, a line over cells to
    merge. A drag alone moves the image.
    """

    _points: list[Point] | None = None

    def __init__(self, hand: ToolContext, edits: CellEdits) -> None:
        super().__init__(hand)
        self._edits = edits

    def press(self, pointer: MouseEvent) -> bool:
        """Begin a lasso or a line."""
        wanted = {_DELETE, _MERGE} & pointer.modifiers
        if pointer.button != LEFT or not wanted or self.hand.labels is None:
            return False
        self._points = [pointer.point]
        return True

    def drag(self, pointer: MouseEvent) -> None:
        """Follow the mouse."""
        if self._points is not None:
            self._points.append(pointer.point)
            self.hand.draw(self._points)

    def release(self, pointer: MouseEvent, moved: bool) -> None:
        """Act on a click, a lasso or a line."""
        points, self._points = self._points, None
        self.hand.draw()
        if pointer.button != LEFT:
            return
        if points is not None and moved:
            self._act_on_drag(pointer, np.array(points))
        elif not moved:
            self._act_on_click(pointer)

    def leave(self) -> bool:
        """Give a lasso up, or choose no cell."""
        begun = self._points is not None or bool(self.hand.chosen)
        self._points = None
        self.hand.draw()
        self.hand.choose(0)
        return begun

    def _act_on_click(self, pointer: MouseEvent) -> None:
        cell = self.hand.cell_at(pointer)
        if _DELETE in pointer.modifiers:
            self._edits.delete([cell] if cell else [])
        elif _MERGE in pointer.modifiers:
            self._merge_with_chosen(cell)
        else:
            self.hand.choose(cell)

    def _act_on_drag(self, pointer: MouseEvent, points: Path) -> None:
        labels, plane = self.hand.labels, self.hand.plane_at(pointer)
        if labels is None or plane is None:
            return
        if _MERGE in pointer.modifiers:
            self._merge(cells_on_line(labels, points, plane))
        elif len(points) >= _FEWEST:
            height, width = labels.shape[-2:]
            lasso = outline(points, (height, width))
            self._edits.delete(cells_in_polygon(labels, self.hand.table, lasso, plane))

    def _merge_with_chosen(self, cell: int) -> None:
        hand = self.hand
        if hand.labels is None or not cell:
            return
        if not hand.table.size_of(hand.chosen) or cell == hand.chosen:
            hand.choose(cell)
        else:
            self._merge([hand.chosen, cell])

    def _merge(self, cells: list[int]) -> None:
        labels = self.hand.labels
        if labels is not None and len(cells) > 1:
            self.hand.edit(merge_cells(labels, self.hand.table, cells))
            self.hand.choose(cells[0])
