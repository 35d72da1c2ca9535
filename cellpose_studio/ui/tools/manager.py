"""Which tool is in use, and what it hears of the mouse."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from qtpy.QtCore import QObject, Signal

from cellpose_studio.app.background.edits import BackgroundEdits
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.selection import Selection
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.errors import StudioError
from cellpose_studio.ui.canvas import Canvas
from cellpose_studio.ui.canvas.mouse_event import RIGHT, MouseEvent
from cellpose_studio.ui.tools.context import Settings, ToolContext
from cellpose_studio.ui.tools.edit_runner import CellEdits
from cellpose_studio.ui.tools.outline import OutlineTool
from cellpose_studio.ui.tools.tool import Tool
from cellpose_studio.ui.tools.toolbox import TOOLS

Answer = TypeVar("Answer")

_FIRST = "select"
_SIZES = range(1, 200)
_STEP = 1.25


class ToolManager(QObject):
    """Hears of the mouse over the image, and passes it to the tool in use.

    The right button always draws the outline of a new cell, whichever tool that is.
    """

    changed = Signal()  # tool, size of the brush, or protection

    def __init__(
        self,
        session: Session,
        canvas: Canvas,
        selection: Selection,
        slow: BackgroundEdits,
    ) -> None:
        super().__init__()
        self.settings = Settings()
        self.hand = ToolContext(session, canvas, selection, self.settings)
        self.edits = CellEdits(self.hand, slow)
        self.mode = _FIRST
        self._tools: dict[str, Tool] = {
            mode: tool.make(self.hand, self.edits) for mode, tool in TOOLS.items()
        }
        self._outline = OutlineTool(self.hand)
        self._pressed: Tool | None = None
        canvas.set_mouse_handler(self)
        session.shown_changing.connect(self._on_changing)
        session.masks_changed.connect(self._on_masks)

    def take(self, mode: str) -> None:
        """Take a tool in place of the one in use."""
        self._tools[self.mode].put_away()
        self.mode = mode
        self._tools[mode].taken()
        self.changed.emit()

    def toggle(self, mode: str) -> None:
        """Take a tool, or put it away if it is the one in use."""
        self.take(_FIRST if mode == self.mode else mode)

    def resize(self, larger: bool) -> None:
        """Make the brush larger or smaller."""
        size = self.settings.size * (_STEP if larger else 1 / _STEP)
        size = max(size, self.settings.size + 1) if larger else size
        self.set_size(round(size))

    def set_size(self, size: int) -> None:
        """Say how wide the brush is, px."""
        self.settings.size = min(max(size, _SIZES[0]), _SIZES[-1])
        self.changed.emit()

    def set_protect(self, protect: bool) -> None:
        """Say whether other cells keep their pixels."""
        if protect != self.settings.protect:
            self.settings.protect = protect
            self.changed.emit()

    def delete(self) -> None:
        """Delete a vertex or a corner while there are any, else the chosen cell."""
        if not self.tool.delete() and self.hand.chosen:
            self.edits.delete([self.hand.chosen])
            self.hand.choose(0)

    def leave(self) -> bool:
        """Give up what was begun, then the tool; False if there was nothing."""
        if self._outline.leave() or self._tools[self.mode].leave():
            return True
        if self.mode != _FIRST:
            self.take(_FIRST)
            return True
        return False

    # What the canvas tells

    def press(self, pointer: MouseEvent) -> bool:
        """Hear of a button that goes down."""
        self._pressed = self._outline if pointer.button == RIGHT else self.tool
        return self._done(lambda tool: tool.press(pointer)) or False

    def drag(self, pointer: MouseEvent) -> None:
        """Hear of each move with a button down."""
        self._done(lambda tool: tool.drag(pointer))

    def release(self, pointer: MouseEvent, moved: bool) -> None:
        """Hear of a button that goes up."""
        self._done(lambda tool: tool.release(pointer, moved))
        self._pressed = None

    def hover(self, pointer: MouseEvent) -> None:
        """Hear of each move without a button."""
        tool = self._outline if self._outline.drawing else self._tools[self.mode]
        tool.hover(pointer)

    def double_click(self, pointer: MouseEvent) -> None:
        """Hear of a double click."""
        self._told(self.tool, lambda tool: tool.double_click(pointer))

    @property
    def tool(self) -> Tool:
        """The tool in use."""
        return self._tools[self.mode]

    def _done(self, what: Callable[[Tool], Answer]) -> Answer | None:
        """Tell the tool that the button went down with; say what it cannot do."""
        return None if self._pressed is None else self._told(self._pressed, what)

    def _told(self, tool: Tool, what: Callable[[Tool], Answer]) -> Answer | None:
        try:
            return what(tool)
        except StudioError as error:
            self.hand.session.failed.emit(error)
            return None

    def _on_masks(self, change: MasksChange) -> None:
        if change.kind != "drafted" and change.image is self.hand.image:
            self.tool.masks_changed(change.edit)

    def _on_changing(self) -> None:
        """End what was begun on the masks that are shown until now."""
        self._outline.leave()
        self._tools[self.mode].put_away()
