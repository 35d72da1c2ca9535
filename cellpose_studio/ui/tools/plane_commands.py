"""What can be done to cells from plane to plane, and from time point to time point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from qtpy.QtWidgets import QWidget

from cellpose_studio.app.background.edits import BackgroundEdits
from cellpose_studio.core.edits.changes import cell_mask
from cellpose_studio.core.edits.planes import (
    copy_cells,
    delete_from,
    interpolate,
    propagate,
)
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.ui.commands.command import Command
from cellpose_studio.ui.commands.reasons import NO_MASKS
from cellpose_studio.ui.tools.edit_runner import NO_PLANE
from cellpose_studio.ui.tools.link import LinkCommand
from cellpose_studio.ui.tools.manager import ToolManager

Axis = Literal["T", "Z"]
Say = Callable[[str], None]

_WORDS: dict[Axis, str] = {"T": "time point", "Z": "plane"}
_NO_AXIS: dict[Axis, str] = {
    "T": "This image has one time point only.",
    "Z": "This image has one plane only.",
}
_NO_CELLS: dict[Axis, str] = {
    "T": "There are no cells in this time point.",
    "Z": "There are no cells in this plane.",
}


@dataclass(frozen=True)
class _Way:
    """From the plane or time point that is shown to the one beside it.

    Attributes
    ----------
    source, target
        Their indices in the masks; of a plane, or of a volume.
    words
        Where it goes: "next plane".
    """

    axis: Axis
    by: int
    source: tuple[int, ...]
    target: tuple[int, ...]

    @property
    def words(self) -> str:
        return f"{'next' if self.by > 0 else 'previous'} {_WORDS[self.axis]}"


class PlaneCommands:
    """Operations of the Curate menu that reach beyond the plane that is shown.

    Where a time point has several planes, all planes of a cell go along.
    """

    def __init__(
        self, tools: ToolManager, slow: BackgroundEdits, say: Say, parent: QWidget
    ) -> None:
        self.links = LinkCommand(tools.hand, slow, say, parent)
        self._hand = tools.hand
        self._edits = tools.edits
        self._say = say

    def commands(self) -> list[Command | None]:
        """Return what the window's menu has of it."""
        return [
            # Acts on the whole volume, so it makes sense in the 3D rendering, too.
            Command(
                "interpolate",
                "&Interpolate planes",
                self.interpolate,
                key="I",
                reason_disabled=lambda: self._reason_no_axis("Z"),
            ),
            self._command(
                "Z", "copyToNext", "&Copy to the next plane", self.copy_to_next
            ),
            self._command(
                "T", "copyToNextTime", "Copy to the next &time point", self.copy_to_next
            ),
            None,
            self._command(
                "Z",
                "propagateUp",
                "Propagate to the &next plane",
                self._up,
                "Ctrl+PgUp",
            ),
            self._command(
                "Z",
                "propagateDown",
                "Propagate to the &previous plane",
                self._down,
                "Ctrl+PgDown",
            ),
            self._command(
                "T",
                "propagateTimeUp",
                "Propagate to the n&ext time point",
                self._up,
                "Ctrl+Shift+PgUp",
            ),
            self._command(
                "T",
                "propagateTimeDown",
                "Propagate to the p&revious time point",
                self._down,
                "Ctrl+Shift+PgDown",
            ),
            None,
            self._command(
                "Z", "deleteFrom", "&Delete from this plane on", self.delete_from
            ),
            self._command(
                "T",
                "deleteFromTime",
                "De&lete from this time point on",
                self.delete_from,
            ),
            None,
            self._command(
                "T",
                "linkOverTime",
                "Lin&k cells over time…",
                lambda _: self.links.ask_and_link(),
            ),
        ]

    def interpolate(self) -> None:
        """Fill the planes between those in which the chosen cell is drawn."""
        hand, image, cell = self._hand, self._hand.image, self._chosen()
        if hand.labels is None or image is None or not cell:
            return
        at = hand.volume_of(hand.canvas.plane)

        def done(edit: LabelEdit) -> None:
            if edit.parts:
                hand.session.edit(image, edit)
            elif image is hand.image:
                self._say(self._why_not_filled(cell, at))

        self._edits.act(
            "Interpolate planes",
            [cell],
            lambda labels, table, cells, checkpoint: interpolate(
                labels, table, cells, at, checkpoint
            ),
            self._edits.cost([cell], at),
            done,
        )

    def copy_to_next(self, axis: Axis) -> None:
        """Copy the chosen cell, or all of the plane, to the next plane or time."""
        hand, image, way = self._hand, self._hand.image, self._way(axis, 1)
        if image is None or way is None:
            return
        cells, chosen = self._edits.chosen_or_all(way.source), hand.chosen
        if chosen and not self._is_at(chosen, way.source, axis):
            return
        title, protect = f"Copy to {way.words}", hand.settings.protect

        def done(edit: LabelEdit) -> None:
            if edit.parts:
                hand.session.edit(image, edit)
            elif edit.cells:
                self._say(
                    f"Nothing was copied: the {way.words} has cells in the same place."
                )
            else:
                self._say(_NO_CELLS[axis])

        if not cells:
            self._say(_NO_CELLS[axis])
        self._edits.act(
            title,
            cells,
            lambda labels, table, cells, checkpoint: copy_cells(
                labels,
                table,
                cells,
                way.source,
                way.target,
                title,
                protect=protect,
                checkpoint=checkpoint,
            ),
            self._edits.cost(cells, way.source),
            done,
        )

    def propagate(self, axis: Axis, by: int) -> None:
        """Give the chosen cell its shape of here beside here too, and go there."""
        hand, cell, way = self._hand, self._chosen(), self._way(axis, by)
        labels = hand.labels
        if labels is None or way is None or not self._is_at(cell, way.source, axis):
            return
        edit = propagate(
            labels,
            hand.table,
            cell,
            way.source,
            way.target,
            f"Propagate to {way.words}",
            protect=hand.settings.protect,
        )
        hand.edit(edit)
        hand.canvas.step(axis, by)
        if not self._has(cell, way.target):
            self._say(
                f"Cell {cell} has no room here: other cells are in its place, and are "
                "protected."
            )

    def delete_from(self, axis: Axis) -> None:
        """Delete the chosen cell here and in all planes or time points after."""
        hand, cell = self._hand, self._chosen()
        if hand.labels is None or not cell:
            return
        step = f"Delete cell from {_WORDS[axis]} on"
        edit = delete_from(hand.labels, hand.table, cell, self._here(axis), step)
        if not edit.parts:
            self._say(
                f"Cell {cell} is neither in this {_WORDS[axis]} nor in those after it."
            )
        hand.edit(edit)
        if not hand.table.size_of(cell):
            hand.choose(0)

    def _command(
        self,
        axis: Axis,
        name: str,
        text: str,
        call: Callable[[Axis], None],
        key: str = "",
    ) -> Command:
        """Return a command along an axis; one along Z begins at the plane shown."""
        return Command(
            name,
            text,
            lambda: call(axis),
            key=key,
            reason_disabled=lambda: self._reason_no_axis(axis) or self._in_3d(axis),
        )

    def _reason_no_axis(self, axis: Axis) -> str:
        """Return why nothing can be done along an axis; "" if it can."""
        image = self._hand.image
        if image is None or image.masks is None:
            return NO_MASKS
        return "" if self._steps(axis) > 1 else _NO_AXIS[axis]

    def _in_3d(self, axis: Axis) -> str:
        on = self._hand.canvas.rendering.on
        return NO_PLANE if on and axis == "Z" else ""

    def _up(self, axis: Axis) -> None:
        self.propagate(axis, 1)

    def _down(self, axis: Axis) -> None:
        self.propagate(axis, -1)

    def _chosen(self) -> int:
        """Return the chosen cell; without one, say what to do."""
        cell = self._hand.chosen
        if not cell and self._hand.labels is not None:
            self._say("Choose a cell first: click on it.")
        return cell

    def _here(self, axis: Axis) -> tuple[int, ...]:
        """Return the index of the plane that is shown, or of the time point."""
        plane = self._hand.canvas.plane
        return plane[:1] if axis == "T" else plane

    def _steps(self, axis: Axis) -> int:
        """Return how many planes or time points the image has."""
        image = self._hand.image
        if image is None:
            return 0
        return image.source.frames if axis == "T" else image.source.planes

    def _way(self, axis: Axis, by: int) -> _Way | None:
        """Return the way to the plane or time point beside; None if there is none."""
        if self._hand.labels is None or self._steps(axis) < 2:
            return None
        *lead, last = source = self._here(axis)
        if not 0 <= last + by < self._steps(axis):
            end = "last" if by > 0 else "first"
            self._say(f"This is the {end} {_WORDS[axis]}.")
            return None
        return _Way(axis, by, source, (*lead, last + by))

    def _is_at(self, cell: int, at: tuple[int, ...], axis: Axis) -> bool:
        """Tell whether a cell is there; say so if not."""
        there = bool(cell) and self._has(cell, at)
        if cell and not there:
            self._say(f"Cell {cell} is not in this {_WORDS[axis]}.")
        return there

    def _why_not_filled(self, cell: int, at: tuple[int, ...]) -> str:
        """Return why there is nothing to interpolate for a cell in a volume."""
        labels = self._hand.labels
        assert labels is not None
        mask = cell_mask(labels, self._hand.table, cell, at)[1]
        drawn = np.flatnonzero(mask.any(axis=(1, 2))).tolist()
        if not drawn:
            return f"Cell {cell} is not in this time point."
        if all(high - low == 1 for low, high in pairwise(drawn)):
            return (
                f"There is nothing to fill: cell {cell} is in all planes from its "
                "first to its last."
            )
        return (
            f"Nothing was filled: other cells are where cell {cell} would be, or its "
            "outlines are too different."
        )

    def _has(self, cell: int, at: tuple[int, ...]) -> bool:
        labels = self._hand.labels
        assert labels is not None
        return bool(cell_mask(labels, self._hand.table, cell, at)[1].any())
