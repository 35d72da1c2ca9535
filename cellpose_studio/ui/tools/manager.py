"""Holds the tools, and passes mouse events to the active one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from qtpy.QtCore import QObject, Signal

from cellpose_studio.app.background.edits import BackgroundEdits
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.core.errors import StudioError
from cellpose_studio.ui.canvas import Canvas
from cellpose_studio.ui.canvas.mouse_event import MouseEvent
from cellpose_studio.ui.commands.gestures import Gestures
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.tools.brush import EraserTool
from cellpose_studio.ui.tools.context import Settings, ToolContext
from cellpose_studio.ui.tools.edit_runner import CellEdits
from cellpose_studio.ui.tools.gestures import GESTURES, OUTLINE, USE
from cellpose_studio.ui.tools.outline import OutlineTool
from cellpose_studio.ui.tools.tool import Tool
from cellpose_studio.ui.tools.toolbox import TOOLS

Result = TypeVar("Result")

_FIRST = "select"
_STEP = 1.25


class ToolManager(QObject):
    """Passes the mouse events of the canvas to the active tool.

    With any tool, the right button, or what the user has set, draws a new outline, and
    the other end of a pen erases.
    """

    changed = Signal()  # tool, size of the brush, or protection
    sizes = range(1, 200)  # px, possible diameters of the brush

    def __init__(
        self,
        services: Services,
        canvas: Canvas,
        background: BackgroundEdits,
    ) -> None:
        super().__init__()
        session = services.session
        self._kept = services.settings
        self.settings = Settings(pressure=self._kept.pen_pressure)
        self.gestures = Gestures(GESTURES, services.settings)
        self.context = ToolContext(
            session, canvas, services.selection, self.settings, self.gestures
        )
        self.edits = CellEdits(self.context, background)
        self.mode = _FIRST
        self._tools: dict[str, Tool] = {
            mode: tool.make(self.context, self.edits) for mode, tool in TOOLS.items()
        }
        self._outline = OutlineTool(self.context)
        self._eraser = EraserTool(self.context)
        self._pressed: Tool | None = None
        self._mouse: MouseEvent | None = None
        canvas.set_mouse_handler(self)
        session.shown_changing.connect(self._on_changing)
        session.masks_changed.connect(self._on_masks)
        canvas.plane_changed.connect(self._forget_mouse)

    def take(self, mode: str) -> None:
        """Activate a tool in place of the current one."""
        self._tools[self.mode].deactivate()
        self.mode = mode
        self._tools[mode].activate()
        self.changed.emit()

    def toggle(self, mode: str) -> None:
        """Activate a tool, or return to the first one if it is active."""
        self.take(_FIRST if mode == self.mode else mode)

    def resize(self, larger: bool) -> None:
        """Make the brush larger or smaller."""
        size = self.settings.size * (_STEP if larger else 1 / _STEP)
        # A small brush would round to its present size.
        size = max(size, self.settings.size + 1) if larger else size
        self.set_size(round(size))

    def set_size(self, size: int) -> None:
        """Set the diameter of the brush, px."""
        self.settings.size = min(max(size, self.sizes[0]), self.sizes[-1])
        self.changed.emit()

    def set_protect(self, protect: bool) -> None:
        """Set whether edits spare the pixels of other cells."""
        if protect != self.settings.protect:
            self.settings.protect = protect
            self.changed.emit()

    def set_pressure(self, on: bool) -> None:
        """Set whether a pen draws with a smaller brush where it is pressed less."""
        if on != self.settings.pressure:
            self.settings.pressure = self._kept.pen_pressure = on
            self.changed.emit()

    def set_class(self, number: int) -> None:
        """Choose the class that cells are put into, by its id."""
        if number != self.settings.cell_class:
            self.settings.cell_class = number
            self.changed.emit()

    @property
    def meant(self) -> list[int]:
        """The chosen cells, or else the one under the mouse; empty without both."""
        under = self.context.cell_at(self._mouse) if self._mouse is not None else 0
        return self.context.all_chosen or list(filter(None, [under]))

    def delete(self) -> None:
        """Delete a point of the shape in progress, else the chosen cells."""
        if not self.tool.delete() and (cells := self.context.all_chosen):
            self.edits.delete(cells)
            self.context.choose(0)

    def cancel(self) -> bool:
        """Discard the shape in progress, else the tool; return False without both."""
        others = self._outline.cancel() or self._eraser.cancel()
        if others or self._tools[self.mode].cancel():
            return True
        if self.mode != _FIRST:
            self.take(_FIRST)
            return True
        return False

    # Mouse events of the canvas

    def press(self, event: MouseEvent) -> bool:
        """Pass a press to the active tool, or to the outline that any tool draws."""
        # The tool of a press also receives its drag and release, whichever is active.
        if event.erases:
            self._pressed = self._eraser
        elif self.context.starts(OUTLINE, event):
            self._pressed = self._outline
        else:
            self._pressed = self.tool
        return self._call_pressed(lambda tool: tool.press(event)) or False

    def drag(self, event: MouseEvent) -> None:
        """Pass a drag to the tool that received the press."""
        self._call_pressed(lambda tool: tool.drag(event))

    def release(self, event: MouseEvent, moved: bool) -> None:
        """Pass a release to the tool that received the press."""
        self._call_pressed(lambda tool: tool.release(event, moved))
        if self._pressed is self._eraser:
            # The active tool may have no outline that would take the place of its own.
            self._eraser.deactivate()
        self._pressed = None

    def hover(self, event: MouseEvent) -> None:
        """Pass a move without a button to the active tool, or to an open outline."""
        self._mouse = event
        tool = self._outline if self._outline.drawing else self._tools[self.mode]
        self._call(tool, lambda tool: tool.hover(event))

    @property
    def drawing(self) -> bool:
        """Whether an outline follows the mouse without a button."""
        return self._outline.drawing

    def double_click(self, event: MouseEvent) -> None:
        """Pass a double click to the active tool."""
        if self.context.starts(USE, event):
            self._call(self.tool, lambda tool: tool.double_click(event))

    @property
    def tool(self) -> Tool:
        """The active tool."""
        return self._tools[self.mode]

    def _call_pressed(self, method: Callable[[Tool], Result]) -> Result | None:
        """Call the tool that received the press, as `_call`."""
        return None if self._pressed is None else self._call(self._pressed, method)

    def _call(self, tool: Tool, method: Callable[[Tool], Result]) -> Result | None:
        """Return the result of a method; None after reporting a `StudioError`."""
        try:
            return method(tool)
        except StudioError as error:
            self.context.session.failed.emit(error)
            return None

    def _on_masks(self, change: MasksChange) -> None:
        if change.kind != "drafted" and change.image is self.context.image:
            self.tool.masks_changed(change.edit)

    def _forget_mouse(self, *_: object) -> None:
        # Until it moves, it is not known what is under it.
        self._mouse = None

    def _on_changing(self) -> None:
        """Finish the shape in progress, before other masks are shown."""
        self._forget_mouse()
        self._outline.cancel()
        self._eraser.deactivate()
        self._tools[self.mode].deactivate()
