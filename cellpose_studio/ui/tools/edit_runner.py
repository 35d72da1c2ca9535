"""Runs edits of cells at once, or in a job if they are expensive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from cellpose_studio.app.background.edits import BackgroundEdits
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.edits.whole import delete_cells, groups_of, merge_cells
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.matching.divisions import merged
from cellpose_studio.core.provenance.revision import CellChanges
from cellpose_studio.ui.tools.context import ToolContext

Result = TypeVar("Result")
Operation = Callable[[Labels, CellTable, Sequence[int], Checkpoint], LabelEdit]

MAX_COST = 500_000
"""Most pixels to edit on the GUI thread; more would block it noticeably."""
_CELL_COST = 2_500
"""Fixed cost per cell, in pixels."""

_FEWEST_TO_MERGE = 2

NO_PLANE = "This acts on one plane: leave the 3D rendering first."
"""Reason why commands on the current plane are disabled in 3D."""


class CellEdits:
    """Edits the chosen cell, or several cells, as one undo step each time."""

    def __init__(self, context: ToolContext, background: BackgroundEdits) -> None:
        self._context = context
        self.background = background

    def chosen_or_all(self, at: tuple[int, ...]) -> list[int]:
        """Return the chosen cells; without one, all cells of a plane or volume."""
        labels, chosen = self._context.labels, self._context.all_chosen
        if labels is None or chosen:
            return chosen
        lead = tuple(slice(n, n + 1) for n in at)
        sides = tuple(slice(0, size) for size in labels.shape[len(at) :])
        cells: list[int] = self._context.table.within(lead + sides).tolist()
        return cells

    def delete(self, cells: Sequence[int]) -> None:
        """Delete cells of the masks, as one undo step."""
        if self._context.labels is not None:
            self.act(
                "Delete cells",
                cells,
                lambda labels, table, cells, checkpoint: delete_cells(
                    labels, table, cells, checkpoint=checkpoint
                ),
                self.cost(cells),
            )

    def merge(self, cells: Sequence[int]) -> None:
        """Merge cells into the chosen one, else the first, as one undo step.

        The cell that they become is chosen.
        """
        if self._context.labels is None or len(cells) < _FEWEST_TO_MERGE:
            return
        cells = sorted(cells, key=lambda cell: cell != self._context.chosen)
        session, image = self._context.session, self._context.image
        apart = [0]

        def merge(
            labels: Labels, table: CellTable, cells: Sequence[int], _: Checkpoint
        ) -> LabelEdit:
            # Counted before the edit, after which they are one cell.
            apart[0] = groups_of(labels, table, cells)
            return merge_cells(labels, table, cells)

        def done(edit: LabelEdit) -> None:
            assert image is not None
            mothers = merged(image.mothers.get(image.active, {}), cells)
            session.edit(image, edit, CellChanges(mothers=mothers))
            if apart[0] > 1:
                some = "do not" if apart[0] == len(cells) else "do not all"
                self.background.noted.emit(
                    f"Merged {len(cells)} cells that {some} touch. Undo (Ctrl+Z) parts "
                    "them again."
                )

        self.act("Merge cells", cells, merge, self.cost(cells), done)
        self._context.choose(cells[0])

    def merge_with_chosen(self, cell: int) -> None:
        """Merge a cell with the chosen one; without one, choose it. 0 does nothing."""
        context = self._context
        if context.labels is None or not cell:
            return
        # The chosen cell may have been deleted: a click then chooses another one.
        if not context.table.size_of(context.chosen) or cell == context.chosen:
            context.choose(cell)
        else:
            self.merge([context.chosen, cell])

    def tell_nothing(self, title: str) -> None:
        """Tell that a command had nothing to change: nothing is to be seen of it."""
        self.background.noted.emit(f"{title}: there is nothing to change.")

    def cost(self, cells: Sequence[int], at: tuple[int, ...] = ()) -> int:
        """Return the cost of editing cells in a plane or volume, in pixels."""
        pixels = int(self._context.table.box_areas(cells, len(at)).sum())
        return pixels + _CELL_COST * len(cells)

    def act(
        self,
        title: str,
        cells: Sequence[int],
        operation: Operation,
        cost: int,
        done: Callable[[LabelEdit], None] | None = None,
    ) -> None:
        """Apply an operation to cells, as one undo step.

        It runs in a job if its cost exceeds `MAX_COST`.

        Parameters
        ----------
        title
            Shown while a job runs.
        cost
            Number of pixels, weighted by their time relative to a usual operation.
        done
            Receives the edit, and is responsible for applying it.
        """
        context, image = self._context, self._context.image
        if context.labels is None or image is None or not cells:
            return

        # The image is captured: another one may be shown when a job ends.
        def finish(edit: LabelEdit) -> None:
            if done is not None:
                done(edit)
            elif edit.parts:
                context.session.edit(image, edit)
            else:
                self.tell_nothing(title)

        self.compute(title, cells, operation, finish, cost)

    def compute(
        self,
        title: str,
        cells: Sequence[int],
        work: Callable[[Labels, CellTable, Sequence[int], Checkpoint], Result],
        done: Callable[[Result], None],
        cost: int | None = None,
    ) -> None:
        """Call ``done`` with what comes of cells, at once or after a job.

        It is a job if the cost, by default that of editing the cells, exceeds
        `MAX_COST`.
        """
        context, image = self._context, self._context.image
        if context.labels is None or image is None:
            return
        if (self.cost(cells) if cost is None else cost) <= MAX_COST:
            done(work(context.labels, context.table, cells, Checkpoint()))
            return
        self.background.start(
            image,
            title,
            lambda labels, table, checkpoint: work(labels, table, cells, checkpoint),
            done,
        )
