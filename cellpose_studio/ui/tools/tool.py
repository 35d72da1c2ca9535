"""Base classes of tools."""

from __future__ import annotations

from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.ui.canvas.mouse_event import MouseEvent
from cellpose_studio.ui.tools.context import ToolContext
from cellpose_studio.ui.tools.edit_runner import CellEdits
from cellpose_studio.ui.tools.gestures import USE

Point = tuple[float, float]


class Tool:
    """Receives the mouse events while it is active. All methods are optional.

    Parameters
    ----------
    context
        The masks and the canvas to act on.
    """

    def __init__(self, context: ToolContext) -> None:
        self.context = context

    def press(self, event: MouseEvent) -> bool:
        """Return whether to receive the drag that may follow; else it pans the view."""
        del event
        return False

    def drag(self, event: MouseEvent) -> None:
        """Handle a move with a button down."""

    def release(self, event: MouseEvent, moved: bool) -> None:
        """Handle the release of the button; ``moved`` is False for a click."""

    def hover(self, event: MouseEvent) -> None:
        """Handle a move without a button."""

    def double_click(self, event: MouseEvent) -> None:
        """Handle a double click."""

    def delete(self) -> bool:
        """Delete a point of the shape in progress; return False without one."""
        return False

    def cancel(self) -> bool:
        """Discard the shape in progress; return False without one."""
        return False

    def masks_changed(self, edit: LabelEdit | None) -> None:
        """Handle a change of the masks; without an edit, of all of them."""

    def activate(self) -> None:
        """Start, on becoming the active tool."""

    def deactivate(self) -> None:
        """Finish or discard the shape in progress, before another tool is active."""


class LineTool(Tool):
    """Draws a line along a drag, which subclasses act on.

    Parameters
    ----------
    edits
        Runs what the line leads to.
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

    def cancel(self) -> bool:
        """Discard a line in progress, and choose no cell."""
        active = self._points is not None or bool(self.context.all_chosen)
        self._discard()
        self.context.choose(0)
        return active

    def deactivate(self) -> None:
        """Discard a line in progress."""
        self._discard()

    def _discard(self) -> None:
        self._points = None
        self.context.draw()
