"""The tool that links a mother with her daughters, by clicks."""

from __future__ import annotations

from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.ui.canvas.mouse_event import MouseEvent
from cellpose_studio.ui.tools.context import ToolContext
from cellpose_studio.ui.tools.edit_runner import CellEdits
from cellpose_studio.ui.tools.gestures import USE
from cellpose_studio.ui.tools.tool import Tool
from cellpose_studio.ui.tools.tracks.divider import Divider

NO_FILM = "Divisions need a time series with masks: this is none."


class DivideTool(Tool):
    """The first click chooses the mother, those at later time points her daughters."""

    def __init__(self, context: ToolContext, edits: CellEdits) -> None:
        super().__init__(context)
        self._divider = Divider(context, edits)
        self._note = edits.background.noted.emit
        self._pressed = False
        self._mother: tuple[int, int] | None = None

    def press(self, event: MouseEvent) -> bool:
        """Begin a click."""
        self._pressed = self.context.starts(USE, event)
        return False

    def release(self, event: MouseEvent, moved: bool) -> None:
        """Take the cell that was clicked for the mother, or for a daughter."""
        if moved or not self._pressed:
            return
        if not self._divider.is_film():
            self._note(NO_FILM)
            return
        cell, time = self.context.cell_at(event), event.pixel[0]
        if not cell:
            self.cancel()
        elif self._mother is None or time <= self._mother[1]:
            self._choose_mother(cell, time)
        else:
            self._divider.divide_at(self._mother[0], cell, time)

    def cancel(self) -> bool:
        """Forget the mother, and choose no cell."""
        active = self._mother is not None or bool(self.context.all_chosen)
        self._mother = None
        self.context.choose(0)
        return active

    def masks_changed(self, edit: LabelEdit | None) -> None:
        """Forget the mother when other masks are shown: they have other cells."""
        if edit is None:
            self._mother = None

    def deactivate(self) -> None:
        """Forget the mother."""
        self._mother = None

    def _choose_mother(self, cell: int, time: int) -> None:
        self._mother = cell, time
        self.context.choose(cell)
        # The daughters are in the next time point.
        self.context.canvas.step("T", 1)
        self._note(
            f"Cell {cell} is the mother: click each of its daughters at time point "
            f"{time + 2}, or at a later one."
        )
