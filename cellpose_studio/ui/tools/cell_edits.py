"""Edits of some cells at once, and of very many in a job."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cellpose_studio.app.slow_edits import SlowEdits
from cellpose_studio.core.cell_table import CellTable
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.chunks import Labels
from cellpose_studio.core.edit import LabelEdit
from cellpose_studio.ui.tools.hand import Hand

Operation = Callable[[Labels, CellTable, Sequence[int], Checkpoint], LabelEdit]

_MOST = 200
"""Cells that are edited on the GUI thread; more would keep it from answering."""


class CellEdits:
    """Edits the chosen cell, or all cells of a plane; each time it is one step."""

    def __init__(self, hand: Hand, slow: SlowEdits) -> None:
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

    def act(self, title: str, cells: Sequence[int], operation: Operation) -> None:
        """Make a step of what an operation does to cells."""
        hand, entry = self._hand, self._hand.entry
        if hand.labels is None or entry is None or not cells:
            return
        if len(cells) <= _MOST:
            hand.edit(operation(hand.labels, hand.table, cells, Checkpoint()))
            return
        self._slow.start(
            entry,
            title,
            lambda labels, table, checkpoint: operation(
                labels, table, cells, checkpoint
            ),
            lambda edit: hand.session.edit(entry, edit),
        )
