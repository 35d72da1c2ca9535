"""Edits of some cells at once, and in a job where they are many or large."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from cellpose_studio.app.background.edits import BackgroundEdits
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.edits.whole import delete_cells
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.ui.tools.context import ToolContext

Operation = Callable[[Labels, CellTable, Sequence[int], Checkpoint], LabelEdit]

MOST = 500_000
"""Pixels that are edited on the GUI thread; more would keep it from answering."""
_A_CELL = 2_500
"""To how many pixels it comes that there is one more cell."""

NO_PLANE = "This acts on one plane: leave the 3D rendering first."
"""Why commands for the plane that is shown are off in 3D."""


class CellEdits:
    """Edits the chosen cell, or several at once; each time it is one step."""

    def __init__(self, hand: ToolContext, slow: BackgroundEdits) -> None:
        self._hand = hand
        self._slow = slow

    def chosen_or_all(self, at: tuple[int, ...]) -> list[int]:
        """Return the chosen cell, or without one all of a plane or volume."""
        labels, chosen = self._hand.labels, self._hand.chosen
        if labels is None or chosen:
            return [chosen] if chosen else []
        lead = tuple(slice(n, n + 1) for n in at)
        sides = tuple(slice(0, size) for size in labels.shape[len(at) :])
        cells: list[int] = self._hand.table.within(lead + sides).tolist()
        return cells

    def delete(self, cells: Sequence[int]) -> None:
        """Delete cells of the masks, as one step."""
        if self._hand.labels is not None:
            self.act(
                "Delete cells",
                cells,
                lambda labels, table, cells, checkpoint: delete_cells(
                    labels, table, cells, checkpoint=checkpoint
                ),
                self.cost(cells),
            )

    def cost(self, cells: Sequence[int], at: tuple[int, ...] = ()) -> int:
        """Return to how many pixels it comes to edit cells in a plane or volume."""
        table = self._hand.table
        boxes = (table.box(cell)[len(at) :] for cell in cells)
        pixels = sum(prod(side.stop - side.start for side in box) for box in boxes)
        return pixels + _A_CELL * len(cells)

    def act(
        self,
        title: str,
        cells: Sequence[int],
        operation: Operation,
        cost: int,
        done: Callable[[LabelEdit], None] | None = None,
    ) -> None:
        """Make a step of what an operation does to cells.

        Beyond a cost of `MOST` it is done in a job.

        Parameters
        ----------
        title
            What the user reads while a job runs.
        cost
            How many pixels it is about; more where each takes longer than usual.
        done
            Called with the edit instead of making a step of it.
        """
        hand, image = self._hand, self._hand.image
        if hand.labels is None or image is None or not cells:
            return

        def finish(edit: LabelEdit) -> None:
            if done is None:
                hand.session.edit(image, edit)
            else:
                done(edit)

        if cost <= MOST:
            finish(operation(hand.labels, hand.table, cells, Checkpoint()))
            return
        self._slow.start(
            image,
            title,
            lambda labels, table, checkpoint: operation(
                labels, table, cells, checkpoint
            ),
            finish,
        )
