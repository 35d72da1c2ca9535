"""What can be done to the chosen cell, or to all, without the mouse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtWidgets import QInputDialog, QWidget

from cellpose_studio.core.cell_table import CellTable
from cellpose_studio.core.chunks import Labels
from cellpose_studio.core.edit import LabelEdit
from cellpose_studio.core.edits.planes import copy_cells, interpolate
from cellpose_studio.core.edits.reshape import fill_holes, grow, shrink, smooth
from cellpose_studio.core.edits.whole import (
    relabel,
    remove_at_border,
    remove_small,
)
from cellpose_studio.ui.actions import Command
from cellpose_studio.ui.tools.hand import Hand
from cellpose_studio.ui.tools.tools import Mode, Tools

Operation = Callable[[Labels, CellTable, list[int]], LabelEdit]

_SMALL = 15  # px
_MOST = 1000
"""Cells whose shape is changed at once, or the window would not answer for long."""


@dataclass(frozen=True)
class _Where:
    """The plane that is shown, and the stack that it is of."""

    plane: tuple[int, ...]
    volume: tuple[int, ...]


class CellCommands:
    """Operations of the Curate menu; each is one step.

    Those on shapes act on the plane that is shown. Without a chosen cell they act on
    all cells of the plane.
    """

    def __init__(self, hand: Hand, say: Callable[[str], None], parent: QWidget) -> None:
        self._hand = hand
        self._say = say
        self._parent = parent

    def commands(self) -> list[Command | None]:
        """Return what the window's menu has of it."""
        return [
            Command("deleteCell", "&Delete cell", self.delete, "Del"),
            Command("fillHoles", "&Fill holes", self.fill_holes, "F"),
            Command("smooth", "&Smooth outlines", self.smooth),
            Command("grow", "&Grow by a pixel", self.grow),
            Command("shrink", "Shri&nk by a pixel", self.shrink),
            None,
            Command("interpolate", "&Interpolate planes", self.interpolate, "I"),
            Command("copyToNext", "&Copy to the next plane", self.copy_to_next),
            None,
            Command("atBorder", "Remove cells at the &border", self.remove_at_border),
            Command("small", "Remove s&mall cells…", self.remove_small),
            Command("relabel", "&Relabel from 1", self.relabel),
        ]

    def delete(self) -> None:
        """Delete the chosen cell."""
        if self._hand.chosen:
            self._hand.delete([self._hand.chosen])
            self._hand.choose(0)

    def fill_holes(self) -> None:
        """Fill the holes of cells."""
        self._reshape(
            lambda labels, table, cells, plane: fill_holes(
                labels, table, cells, plane, protect=self._protect
            )
        )

    def smooth(self) -> None:
        """Smooth the outlines of cells."""
        self._reshape(
            lambda labels, table, cells, plane: smooth(
                labels, table, cells, plane, protect=self._protect
            )
        )

    def grow(self) -> None:
        """Grow cells by a pixel."""
        self._reshape(
            lambda labels, table, cells, plane: grow(
                labels, table, cells, 1, plane, protect=self._protect
            )
        )

    def shrink(self) -> None:
        """Take a pixel off the outlines of cells."""
        self._reshape(
            lambda labels, table, cells, plane: shrink(labels, table, cells, 1, plane)
        )

    def interpolate(self) -> None:
        """Fill the planes between those in which the chosen cell is drawn."""
        where = self._where()
        if self._hand.chosen and where is not None:
            self._do(
                lambda labels, table, cells: interpolate(
                    labels, table, cells, where.volume
                )
            )

    def copy_to_next(self) -> None:
        """Copy the chosen cell, or all of the plane, to the next plane."""
        where, labels = self._where(), self._hand.labels
        if where is None or labels is None or not where.plane:
            return
        *lead, last = where.plane
        if last + 1 >= labels.shape[len(lead)]:
            return
        target = (*lead, last + 1)
        cells = [self._hand.chosen] if self._hand.chosen else None
        self._hand.edit(
            copy_cells(labels, self._hand.table, cells, where.plane, target)
        )

    def remove_at_border(self) -> None:
        """Remove the cells that touch the border of the image."""
        self._do(lambda labels, table, _: remove_at_border(labels, table))

    def remove_small(self) -> None:
        """Ask for a size, and remove the cells below it."""
        size, answered = QInputDialog.getInt(
            self._parent, "Remove small cells", "Fewer pixels than", _SMALL, 1
        )
        if answered:
            self._do(lambda labels, table, _: remove_small(labels, table, size))

    def relabel(self) -> None:
        """Give the cells the numbers from 1 on."""
        self._do(lambda labels, *_: relabel(labels, self._hand.table))
        self._hand.choose(0)

    @property
    def _protect(self) -> bool:
        return self._hand.settings.protect

    def _do(self, operation: Operation) -> None:
        labels = self._hand.labels
        if labels is not None:
            cells = [self._hand.chosen] if self._hand.chosen else []
            self._hand.edit(operation(labels, self._hand.table, cells))

    def _reshape(
        self,
        operation: Callable[[Labels, CellTable, list[int], tuple[int, ...]], LabelEdit],
    ) -> None:
        labels, where = self._hand.labels, self._where()
        if labels is None or where is None:
            return
        table = self._hand.table
        cells = [self._hand.chosen] if self._hand.chosen else self._cells_of(where)
        if len(cells) > _MOST:
            self._say(f"{len(cells)} cells are too many at once. Choose one first.")
            return
        self._hand.edit(operation(labels, table, cells, where.plane))

    def _cells_of(self, where: _Where) -> list[int]:
        labels = self._hand.labels
        assert labels is not None
        lead = tuple(slice(n, n + 1) for n in where.plane)
        sides = tuple(slice(0, size) for size in labels.shape[-2:])
        return [int(cell) for cell in self._hand.table.within(lead + sides)]

    def _where(self) -> _Where | None:
        if self._hand.entry is None:
            return None
        plane = self._hand.canvas.plane
        return _Where(plane, self._hand.volume_of(plane))


def tool_commands(tools: Tools) -> list[Command | None]:
    """Return what the window's menu has of the tools."""

    def toggle(mode: Mode) -> Callable[[], None]:
        return lambda: tools.toggle(mode)

    return [
        Command("select", "&Select", lambda: tools.take("select"), "V"),
        Command("outline", "&Outline", toggle("outline"), "P"),
        Command("brush", "&Brush", toggle("brush"), "B"),
        Command("eraser", "&Eraser", toggle("eraser"), "E"),
        Command("split", "S&plit", toggle("split"), "S"),
        Command("handles", "&Handles", toggle("handles"), "H"),
        None,
        Command("smallerBrush", "S&maller brush", lambda: tools.resize(False), ","),
        Command("largerBrush", "&Larger brush", lambda: tools.resize(True), "."),
    ]
