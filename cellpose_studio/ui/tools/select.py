"""Choose, delete and merge cells by clicks, a lasso or a line."""

from __future__ import annotations

import numpy as np

from cellpose_studio.core.edits.pick import cells_in_polygon, cells_on_line
from cellpose_studio.core.edits.shapes import outline
from cellpose_studio.ui.canvas.mouse_event import MouseEvent
from cellpose_studio.ui.tools.context import Path, ToolContext
from cellpose_studio.ui.tools.edit_runner import CellEdits
from cellpose_studio.ui.tools.gestures import CHOOSE, DELETE, MERGE, USE
from cellpose_studio.ui.tools.tool import Tool

Point = tuple[float, float]

_FEWEST = 3  # points of a lasso


class SelectTool(Tool):
    """Chooses, deletes or merges a cell by a click; the gesture tells which.

    A drag to delete is a lasso around cells, a drag to merge a line over them. Any
    other drag pans the view.
    """

    _points: list[Point] | None = None
    _gesture = ""
    """Name of the gesture that the last press has started; "" for none."""

    def __init__(self, context: ToolContext, edits: CellEdits) -> None:
        super().__init__(context)
        self._edits = edits

    def press(self, event: MouseEvent) -> bool:
        """Begin a lasso or a line."""
        # Kept for the release, when the modifiers may no longer be held.
        started = (g for g in (CHOOSE, DELETE, MERGE) if self.context.starts(g, event))
        self._gesture = next(started, "")
        if self._gesture not in (DELETE, MERGE) or self.context.labels is None:
            return False
        self._points = [event.point]
        return True

    def drag(self, event: MouseEvent) -> None:
        """Follow the mouse."""
        if self._points is not None:
            self._points.append(event.point)
            self.context.draw(self._points)

    def release(self, event: MouseEvent, moved: bool) -> None:
        """Act on a click, a lasso or a line."""
        points, self._points = self._points, None
        self.context.draw()
        if points is not None and moved:
            self._act_on_drag(event, np.array(points))
        elif self._gesture and not moved:
            self._act_on_click(event)

    def cancel(self) -> bool:
        """Discard a lasso or a line, and choose no cell."""
        active = self._points is not None or bool(self.context.chosen)
        self._points = None
        self.context.draw()
        self.context.choose(0)
        return active

    def _act_on_click(self, event: MouseEvent) -> None:
        cell = self.context.cell_at(event)
        if self._gesture == DELETE:
            self._edits.delete([cell] if cell else [])
        elif self._gesture == MERGE:
            self._edits.merge_with_chosen(cell)
        else:
            self.context.choose(cell)

    def _act_on_drag(self, event: MouseEvent, points: Path) -> None:
        labels, plane = self.context.labels, self.context.plane_at(event)
        if labels is None or plane is None:
            return
        if self._gesture == MERGE:
            self._edits.merge(cells_on_line(labels, points, plane))
        elif len(points) >= _FEWEST:
            height, width = labels.shape[-2:]
            lasso = outline(points, (height, width))
            self._edits.delete(
                cells_in_polygon(labels, self.context.table, lasso, plane)
            )


class MergeTool(Tool):
    """Merges the cells that are clicked one after the other, or along a drag.

    The first click chooses the cell that the others become part of. A click on the
    background ends with it.
    """

    _points: list[Point] | None = None

    def __init__(self, context: ToolContext, edits: CellEdits) -> None:
        super().__init__(context)
        self._edits = edits

    def press(self, event: MouseEvent) -> bool:
        """Begin a line."""
        if not self.context.starts(USE, event) or self.context.labels is None:
            return False
        self._points = [event.point]
        return True

    def drag(self, event: MouseEvent) -> None:
        """Follow the mouse."""
        if self._points is not None:
            self._points.append(event.point)
            self.context.draw(self._points)

    def release(self, event: MouseEvent, moved: bool) -> None:
        """Merge along the line, or with the cell that was chosen before."""
        points, self._points = self._points, None
        if points is None:
            return
        self.context.draw()
        if moved:
            self._merge_along(np.array(points), event)
        elif cell := self.context.cell_at(event):
            self._edits.merge_with_chosen(cell)
        else:
            self.context.choose(0)

    def cancel(self) -> bool:
        """Discard a line in progress, else choose no cell."""
        active = self._points is not None or bool(self.context.chosen)
        self._points = None
        self.context.draw()
        self.context.choose(0)
        return active

    def deactivate(self) -> None:
        """Discard a line in progress."""
        self._points = None
        self.context.draw()

    def _merge_along(self, line: Path, event: MouseEvent) -> None:
        labels, plane = self.context.labels, self.context.plane_at(event)
        if labels is None or plane is None:
            return
        cells = cells_on_line(labels, line, plane)
        # The chosen cell keeps its number, wherever the line begins.
        self._edits.merge(sorted(cells, key=lambda cell: cell != self.context.chosen))
