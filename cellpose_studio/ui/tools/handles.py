"""Reshape a cell by the vertices of its outline."""

from __future__ import annotations

import numpy as np

from cellpose_studio.core.edits.handles import Handles, edit_of, polygon_of
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.ui.canvas.mouse_event import MouseEvent
from cellpose_studio.ui.tools.context import Path, ToolContext
from cellpose_studio.ui.tools.gestures import REMOVE_HANDLE, USE
from cellpose_studio.ui.tools.tool import Tool

Vertex = tuple[int, int]
"""Index of a ring, and of a vertex on it."""

_SIZE = 2 / 3
"""Side of the square at a vertex, relative to the tolerance of a click."""


class HandlesTool(Tool):
    """Edits the vertices of the chosen cell's outline.

    A drag moves a vertex, Ctrl+click or Delete removes it, a double click on the line
    adds one. A click on another cell, or another tool, applies the new shape; Esc
    discards it.
    """

    _handles: Handles | None = None
    _grabbed: Vertex | None = None
    _under: Vertex | None = None
    _clicked = False
    _reach = 1.0

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        context.canvas.camera.changed.connect(self._on_view)

    def vertices(self, ring: int = 0) -> Path:
        """Return the vertices of a ring of the cell, (N, 2), Y and X in pixels."""
        handles = self._handles
        return handles.rings[ring].vertices if handles else np.empty((0, 2))

    @property
    def handle_size(self) -> float:
        """Side of the square at a vertex, in pixels of the image."""
        return _SIZE * self._reach

    def activate(self) -> None:
        """Begin with the chosen cell."""
        self._begin(self.context.chosen)

    def press(self, event: MouseEvent) -> bool:
        """Grab a vertex, or remove it."""
        vertex = self._vertex_at(event)
        self._clicked = self.context.starts(USE, event)
        if self._handles is None or vertex is None:
            return False
        if self.context.starts(REMOVE_HANDLE, event):
            self._show(self._handles.delete_vertex(*vertex))
            return True
        if self._clicked:
            self._grabbed = vertex
        return self._clicked

    def drag(self, event: MouseEvent) -> None:
        """Move the vertex that was grabbed."""
        if self._handles is not None and self._grabbed is not None:
            to = np.array(event.point)
            self._show(self._handles.move_vertex(*self._grabbed, to))

    def release(self, event: MouseEvent, moved: bool) -> None:
        """Release the vertex; a click on another cell continues with that."""
        grabbed, self._grabbed = self._grabbed, None
        if grabbed is not None or moved or not self._clicked:
            return
        cell = self.context.cell_at(event)
        if cell and (self._handles is None or cell != self._handles.cell):
            self._finish()
            self.context.choose(cell)
            self._begin(cell)

    def hover(self, event: MouseEvent) -> None:
        """Note the vertex under the mouse; finish on another plane."""
        handles = self._handles
        if handles is None:
            return
        self._under = self._vertex_at(event)
        if self.context.plane_at(event) != handles.at:
            self._finish()

    def double_click(self, event: MouseEvent) -> None:
        """Add a vertex to the line."""
        if self._handles is not None and self._vertex_at(event) is None:
            self._show(self._handles.add_vertex(np.array(event.point)))

    def delete(self) -> bool:
        """Remove the vertex under the mouse; True keeps Delete off the whole cell."""
        under, self._under = self._under, None
        if self._handles is None:
            return False
        if under is not None:
            self._show(self._handles.delete_vertex(*under))
        return True

    def cancel(self) -> bool:
        """Discard the new shape."""
        active, self._handles = self._handles is not None, None
        self._grabbed = self._under = None
        self.context.draw()
        return active

    def masks_changed(self, edit: LabelEdit | None) -> None:
        """Restart if an undo or a run has changed the cell."""
        handles = self._handles
        if handles is not None and (edit is None or edit.touches(handles.cell)):
            self.cancel()
            self._begin(handles.cell)

    def deactivate(self) -> None:
        """Apply the new shape."""
        self._finish()

    def _on_view(self) -> None:
        """Keep the size of vertices on the screen."""
        reach = self.context.canvas.reach
        # Vertices are only drawn again after a marked change of the zoom.
        if self._handles is not None and abs(reach - self._reach) > self._reach / 10:
            self._reach = reach
            self._show(self._handles)

    def _begin(self, cell: int) -> None:
        labels = self.context.labels
        if labels is not None and self.context.table.size_of(cell):
            self._reach = self.context.canvas.reach
            plane = self.context.canvas.plane
            self._show(polygon_of(labels, self.context.table, cell, plane))

    def _finish(self) -> None:
        handles, labels = self._handles, self.context.labels
        # The handles are removed first: the edit itself changes the masks, which would
        # otherwise restart the tool.
        self.cancel()
        if (
            handles is None
            or labels is None
            or not self.context.table.size_of(handles.cell)
        ):
            return
        protect = self.context.settings.protect
        self.context.edit(edit_of(labels, self.context.table, handles, protect=protect))

    def _vertex_at(self, event: MouseEvent) -> Vertex | None:
        """Return the nearest vertex within reach of the mouse; None without one."""
        nearest, least = None, event.reach
        for number, ring in enumerate(self._handles.rings if self._handles else ()):
            distance = np.hypot(*(ring.vertices - np.array(event.point)).T)
            if len(distance) and distance.min() < least:
                nearest, least = (number, int(distance.argmin())), float(distance.min())
        return nearest

    def _show(self, handles: Handles) -> None:
        self._handles = handles
        paths: list[Path] = []
        for ring in handles.rings:
            line = ring.line()
            paths.append(np.concatenate([line, line[:1]]))
            paths += [self._square(vertex) for vertex in ring.vertices]
        self.context.draw(*paths)

    def _square(self, middle: Path) -> Path:
        corners = np.array([(-1, -1), (-1, 1), (1, 1), (1, -1), (-1, -1)], float)
        return middle + corners * self.handle_size / 2
