"""Choose, delete and merge cells by clicks."""

from __future__ import annotations

from cellpose_studio.core.edits.whole import delete_cells, merge_cells
from cellpose_studio.ui.pointer import LEFT, Pointer
from cellpose_studio.ui.tools.tool import Tool


class SelectTool(Tool):
    """A click chooses a cell, with Ctrl deletes it, with Alt merges it."""

    def release(self, pointer: Pointer, moved: bool) -> None:
        """Act on a click; a drag has moved the image."""
        if moved or pointer.button != LEFT:
            return
        cell = self.hand.cell_at(pointer)
        if "Control" in pointer.modifiers:
            self._delete(cell)
        elif "Alt" in pointer.modifiers:
            self._merge(cell)
        else:
            self.hand.choose(cell)

    def leave(self) -> bool:
        """Choose no cell."""
        chosen = bool(self.hand.chosen)
        self.hand.choose(0)
        return chosen

    def _delete(self, cell: int) -> None:
        labels = self.hand.labels
        if cell and labels is not None:
            self.hand.edit(delete_cells(labels, self.hand.table, [cell]))

    def _merge(self, cell: int) -> None:
        hand, labels = self.hand, self.hand.labels
        if labels is None or not cell:
            return
        if not hand.table.of_cell(hand.chosen) or cell == hand.chosen:
            hand.choose(cell)
            return
        hand.edit(merge_cells(labels, hand.table, [hand.chosen, cell]))
