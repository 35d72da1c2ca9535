"""Choose, delete, merge and classify cells by clicks, a lasso or a line."""

from __future__ import annotations

import numpy as np

from cellpose_studio.core.edits.pick import cells_in_polygon, cells_on_line
from cellpose_studio.core.edits.shapes import outline
from cellpose_studio.core.edits.whole import groups_of
from cellpose_studio.ui.canvas.mouse_event import MouseEvent
from cellpose_studio.ui.tools.context import Path
from cellpose_studio.ui.tools.gestures import CHOOSE, DELETE, MERGE
from cellpose_studio.ui.tools.tool import LineTool

_FEWEST = 3  # points of a lasso


class SelectTool(LineTool):
    """Chooses, deletes or merges a cell by a click; the gesture tells which.

    A drag to delete is a lasso around cells, a drag to merge a line over them. Any
    other drag pans the view.
    """

    _gesture = ""
    """Name of the gesture that the last press has started; "" for none."""

    def press(self, event: MouseEvent) -> bool:
        """Begin a lasso or a line."""
        # Kept for the release, when the modifiers may no longer be held.
        started = (g for g in (CHOOSE, DELETE, MERGE) if self.context.starts(g, event))
        self._gesture = next(started, "")
        if self._gesture not in (DELETE, MERGE) or self.context.labels is None:
            return False
        self._points = [event.point]
        return True

    def release(self, event: MouseEvent, moved: bool) -> None:
        """Act on a click, a lasso or a line."""
        points, self._points = self._points, None
        self.context.draw()
        if points is not None and moved:
            self._act_on_drag(event, np.array(points))
        elif self._gesture and not moved:
            self._act_on_click(event)

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


class MergeTool(LineTool):
    """Merges the cells that are clicked one after the other, or along a drag.

    The first click chooses the cell that the others become part of. A click on the
    background ends with it. A cell that was chosen otherwise, by going through the list
    for example, is the first one only for cells that touch it.
    """

    _clicked = 0
    """The cell that is chosen by this tool; another one was chosen to look at it."""

    def activate(self) -> None:
        """Begin anew."""
        self._clicked = 0

    def release(self, event: MouseEvent, moved: bool) -> None:
        """Merge along the line, or with the cell that was chosen before."""
        points, self._points = self._points, None
        if points is None:
            return
        self.context.draw()
        if moved:
            self._merge_along(np.array(points), event)
        elif cell := self.context.cell_at(event):
            self._merge_or_choose(cell)
        else:
            self.context.choose(0)
        self._clicked = self.context.chosen

    def _merge_or_choose(self, cell: int) -> None:
        context, chosen = self.context, self.context.chosen
        labels, table = context.labels, context.table
        looked_at = chosen != self._clicked and table.size_of(chosen) > 0
        if (
            looked_at
            and labels is not None
            and groups_of(labels, table, [chosen, cell]) > 1
        ):
            context.choose(cell)
        else:
            self._edits.merge_with_chosen(cell)

    def _merge_along(self, line: Path, event: MouseEvent) -> None:
        labels, plane = self.context.labels, self.context.plane_at(event)
        if labels is None or plane is None:
            return
        self._edits.merge(cells_on_line(labels, line, plane))


class ClassifyTool(LineTool):
    """Puts cells into the chosen class, by a click or along a drag."""

    def release(self, event: MouseEvent, moved: bool) -> None:
        """Classify the cells on the line, or the one that was clicked."""
        points, self._points = self._points, None
        labels, plane = self.context.labels, self.context.plane_at(event)
        if points is None or labels is None or plane is None:
            return
        self.context.draw()
        clicked = filter(None, [self.context.cell_at(event)])
        on_line = cells_on_line(labels, np.array(points), plane) if moved else clicked
        self.context.classify(on_line)
