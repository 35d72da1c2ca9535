"""What every tool can do; most of them leave some of it out."""

from __future__ import annotations

from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.ui.canvas.mouse_event import MouseEvent
from cellpose_studio.ui.tools.context import ToolContext


class Tool:
    """Hears of the mouse while it is the one in use.

    Parameters
    ----------
    hand
        What it works on.
    """

    def __init__(self, hand: ToolContext) -> None:
        self.hand = hand

    def press(self, pointer: MouseEvent) -> bool:
        """Return whether the drag that may follow is this tool's."""
        del pointer
        return False

    def drag(self, pointer: MouseEvent) -> None:
        """Hear of each move with a button down."""

    def release(self, pointer: MouseEvent, moved: bool) -> None:
        """Hear of the end; ``moved`` is False for a click."""

    def hover(self, pointer: MouseEvent) -> None:
        """Hear of each move without a button."""

    def double_click(self, pointer: MouseEvent) -> None:
        """Hear of a double click."""

    def delete(self) -> bool:
        """Delete a point of what is drawn; False if there is nothing to draw on."""
        return False

    def leave(self) -> bool:
        """Give up what was begun; False if nothing was."""
        return False

    def masks_changed(self, edit: LabelEdit | None) -> None:
        """Hear that somebody has changed the masks; without an edit, all of them."""

    def taken(self) -> None:
        """Begin, when it becomes the tool in use."""

    def put_away(self) -> None:
        """Leave nothing on the image when another tool is taken."""
