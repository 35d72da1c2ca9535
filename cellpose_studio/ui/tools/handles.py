"""Reshape a cell by the vertices of its outline."""

from __future__ import annotations

import numpy as np

from cellpose_studio.core.edits.handles import Handles, edit_of, polygon_of
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.ui.canvas.mouse_event import LEFT, MouseEvent
from cellpose_studio.ui.tools.context import Path
from cellpose_studio.ui.tools.tool import Tool

Vertex = tuple[int, int]
"""Number of a ring, and of a vertex on it."""


class HandlesTool(Tool):
    """Shows the vertices of the chosen cell: drag one, Ctrl+click or Delete removes it.

    A double click on the line adds one. The cell is changed when another one is
    clicked, or the tool is put away; Esc leaves it as it was.
    """

    _handles: Handles | None = None
    _grabbed: Vertex | None = None
    _under: Vertex | None = None
    _reach = 1.0

    def vertices(self, ring: int = 0) -> Path:
        """Return the vertices of a ring of the cell, (N, 2), Y and X in pixels."""
        handles = self._handles
        return handles.rings[ring].vertices if handles else np.empty((0, 2))

    def taken(self) -> None:
        """Begin with the chosen cell."""
        self._begin(self.hand.chosen)

    def press(self, pointer: MouseEvent) -> bool:
        """Grab a vertex, or remove it with Ctrl."""
        vertex = self._vertex_at(pointer)
        if pointer.button != LEFT or self._handles is None or vertex is None:
            return False
        if "Control" in pointer.modifiers:
            self._show(self._handles.delete_vertex(*vertex))
        else:
            self._grabbed = vertex
        return True

    def drag(self, pointer: MouseEvent) -> None:
        """Move the vertex that was grabbed."""
        if self._handles is not None and self._grabbed is not None:
            to = np.array(pointer.point)
            self._show(self._handles.move_vertex(*self._grabbed, to))

    def release(self, pointer: MouseEvent, moved: bool) -> None:
        """Let a vertex go; a click on another cell goes on with that."""
        grabbed, self._grabbed = self._grabbed, None
        if grabbed is not None or moved or pointer.button != LEFT:
            return
        cell = self.hand.cell_at(pointer)
        if cell and (self._handles is None or cell != self._handles.cell):
            self._finish()
            self.hand.choose(cell)
            self._begin(cell)

    def hover(self, pointer: MouseEvent) -> None:
        """Draw vertices as large as they are to the hand; finish on another plane."""
        handles = self._handles
        if handles is None:
            return
        self._under = self._vertex_at(pointer)
        if self.hand.plane_at(pointer) != handles.at:
            self._finish()
        elif abs(pointer.reach - self._reach) > self._reach / 10:
            self._reach = pointer.reach
            self._show(handles)

    def double_click(self, pointer: MouseEvent) -> None:
        """Add a vertex to the line."""
        if self._handles is not None and self._vertex_at(pointer) is None:
            self._show(self._handles.add_vertex(np.array(pointer.point)))

    def delete(self) -> bool:
        """Remove the vertex under the mouse; never the cell by mistake."""
        under, self._under = self._under, None
        if self._handles is None:
            return False
        if under is not None:
            self._show(self._handles.delete_vertex(*under))
        return True

    def leave(self) -> bool:
        """Leave the cell as it was."""
        begun, self._handles = self._handles is not None, None
        self._grabbed = self._under = None
        self.hand.draw()
        return begun

    def masks_changed(self, edit: LabelEdit | None) -> None:
        """Begin again with a cell that an undo, or a run, has changed."""
        handles = self._handles
        if handles is not None and (edit is None or edit.touches(handles.cell)):
            self.leave()
            self._begin(handles.cell)

    def put_away(self) -> None:
        """Give the cell its new shape."""
        self._finish()

    def _begin(self, cell: int) -> None:
        labels = self.hand.labels
        if labels is not None and self.hand.table.size_of(cell):
            plane = self.hand.canvas.plane
            self._show(polygon_of(labels, self.hand.table, cell, plane))

    def _finish(self) -> None:
        handles, labels = self._handles, self.hand.labels
        self.leave()
        if (
            handles is None
            or labels is None
            or not self.hand.table.size_of(handles.cell)
        ):
            return
        protect = self.hand.settings.protect
        self.hand.edit(edit_of(labels, self.hand.table, handles, protect=protect))

    def _vertex_at(self, pointer: MouseEvent) -> Vertex | None:
        """Return the vertex under the mouse."""
        nearest, least = None, pointer.reach
        for number, ring in enumerate(self._handles.rings if self._handles else ()):
            away = np.hypot(*(ring.vertices - np.array(pointer.point)).T)
            if len(away) and away.min() < least:
                nearest, least = (number, int(away.argmin())), float(away.min())
        return nearest

    def _show(self, handles: Handles) -> None:
        self._handles = handles
        paths: list[Path] = []
        for ring in handles.rings:
            line = ring.line()
            paths.append(np.concatenate([line, line[:1]]))
            paths += [self._square(vertex) for vertex in ring.vertices]
        self.hand.draw(*paths)

    def _square(self, middle: Path) -> Path:
        corners = np.array([(-1, -1), (-1, 1), (1, 1), (1, -1), (-1, -1)], float)
        return middle + corners * self._reach / 3
