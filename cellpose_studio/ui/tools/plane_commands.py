"""Menu commands on cells across planes and time points."""

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
from cellpose_studio.ui.commands.reasons import NO_AXIS, NO_MASKS
from cellpose_studio.ui.tools.edit_runner import NO_PLANE
from cellpose_studio.ui.tools.manager import ToolManager
from cellpose_studio.ui.tools.tracks.link import LinkCommand, Offer

Axis = Literal["T", "Z"]
Notify = Callable[[str], None]

_NAMES: dict[Axis, str] = {"T": "time point", "Z": "plane"}
_NO_CELLS: dict[Axis, str] = {
    "T": "There are no cells in this time point.",
    "Z": "There are no cells in this plane.",
}


@dataclass(frozen=True)
class _Neighbour:
    """The plane or time point next to the current one.

    Attributes
    ----------
    source, target
        Indices in the masks of the current one and of this one; of a plane, or of a
        volume.
    text
        For the user: "next plane".
    """

    axis: Axis
    by: int
    source: tuple[int, ...]
    target: tuple[int, ...]

    @property
    def text(self) -> str:
        return f"{'next' if self.by > 0 else 'previous'} {_NAMES[self.axis]}"


class PlaneCommands:
    """Commands of the Curate menu that act beyond the current plane.

    Along time, they act on all planes of a cell.
    """

    def __init__(
        self,
        tools: ToolManager,
        background: BackgroundEdits,
        notify: Notify,
        offer: Offer,
        parent: QWidget,
    ) -> None:
        self.links = LinkCommand(tools.context, background, notify, offer, parent)
        self._context = tools.context
        self._edits = tools.edits
        self._notify = notify

    def commands(self) -> list[Command | None]:
        """Return the commands for the window's menu, None for separators."""
        return [
            # It acts on the whole volume, and is therefore enabled in 3D.
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
        """Interpolate the chosen cell in the planes between those that have it."""
        context, image, cell = self._context, self._context.image, self._chosen()
        if context.labels is None or image is None or not cell:
            return
        at = context.volume_of(context.canvas.plane)

        def done(edit: LabelEdit) -> None:
            if edit.parts:
                context.session.edit(image, edit)
            elif image is context.image:
                self._notify(self._reason_not_filled(cell, at))

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
        """Copy the chosen cell, or all cells, to the next plane or time point."""
        context, image, neighbour = (
            self._context,
            self._context.image,
            self._neighbour(axis, 1),
        )
        if image is None or neighbour is None:
            return
        cells, chosen = self._edits.chosen_or_all(neighbour.source), context.chosen
        if chosen and not self._is_at(chosen, neighbour.source, axis):
            return
        title, protect = f"Copy to {neighbour.text}", context.settings.protect

        def done(edit: LabelEdit) -> None:
            if edit.parts:
                context.session.edit(image, edit)
            elif edit.cells:
                self._notify(
                    f"Nothing was copied: the {neighbour.text} has cells in the same "
                    "place."
                )
            else:
                self._notify(_NO_CELLS[axis])

        if not cells:
            self._notify(_NO_CELLS[axis])
        self._edits.act(
            title,
            cells,
            lambda labels, table, cells, checkpoint: copy_cells(
                labels,
                table,
                cells,
                neighbour.source,
                neighbour.target,
                title,
                protect=protect,
                checkpoint=checkpoint,
            ),
            self._edits.cost(cells, neighbour.source),
            done,
        )

    def propagate(self, axis: Axis, by: int) -> None:
        """Copy the chosen cell's shape to a neighbouring plane, and show that."""
        context, cell, neighbour = (
            self._context,
            self._chosen(),
            self._neighbour(axis, by),
        )
        labels = context.labels
        if (
            labels is None
            or neighbour is None
            or not self._is_at(cell, neighbour.source, axis)
        ):
            return
        edit = propagate(
            labels,
            context.table,
            cell,
            neighbour.source,
            neighbour.target,
            f"Propagate to {neighbour.text}",
            protect=context.settings.protect,
        )
        context.edit(edit)
        context.canvas.step(axis, by)
        if not self._has(cell, neighbour.target):
            self._notify(
                f"Cell {cell} was not propagated: other cells occupy its place and "
                "are protected."
            )

    def delete_from(self, axis: Axis) -> None:
        """Delete the chosen cell from the current plane or time point on."""
        context, cell = self._context, self._chosen()
        if context.labels is None or not cell:
            return
        title = f"Delete cell from {_NAMES[axis]} on"
        edit = delete_from(context.labels, context.table, cell, self._here(axis), title)
        if not edit.parts:
            self._notify(
                f"Cell {cell} is neither in this {_NAMES[axis]} nor in those after it."
            )
        context.edit(edit)
        if not context.table.size_of(cell):
            context.choose(0)

    def _command(
        self,
        axis: Axis,
        name: str,
        text: str,
        call: Callable[[Axis], None],
        key: str = "",
    ) -> Command:
        """Return a command along an axis; along Z, it is disabled in 3D."""
        return Command(
            name,
            text,
            lambda: call(axis),
            key=key,
            reason_disabled=lambda: (
                self._reason_no_axis(axis) or self._reason_in_3d(axis)
            ),
        )

    def _reason_no_axis(self, axis: Axis) -> str:
        """Return the reason why commands along an axis are disabled; "" if enabled."""
        image = self._context.image
        if image is None or image.masks is None:
            return NO_MASKS
        return "" if self._steps(axis) > 1 else NO_AXIS[axis]

    def _reason_in_3d(self, axis: Axis) -> str:
        on = self._context.canvas.rendering.on
        return NO_PLANE if on and axis == "Z" else ""

    def _up(self, axis: Axis) -> None:
        self.propagate(axis, 1)

    def _down(self, axis: Axis) -> None:
        self.propagate(axis, -1)

    def _chosen(self) -> int:
        """Return the chosen cell; without one, tell the user to choose one."""
        cell = self._context.chosen
        if not cell and self._context.labels is not None:
            self._notify("Choose a cell first: click on it.")
        return cell

    def _here(self, axis: Axis) -> tuple[int, ...]:
        """Return the index of the current plane or time point."""
        plane = self._context.canvas.plane
        return plane[:1] if axis == "T" else plane

    def _steps(self, axis: Axis) -> int:
        """Return the number of planes or time points."""
        image = self._context.image
        if image is None:
            return 0
        return image.source.frames if axis == "T" else image.source.planes

    def _neighbour(self, axis: Axis, by: int) -> _Neighbour | None:
        """Return the neighbour along an axis; notify and return None at the end."""
        if self._context.labels is None or self._steps(axis) < 2:
            return None
        *lead, last = source = self._here(axis)
        if not 0 <= last + by < self._steps(axis):
            end = "last" if by > 0 else "first"
            self._notify(f"This is the {end} {_NAMES[axis]}.")
            return None
        return _Neighbour(axis, by, source, (*lead, last + by))

    def _is_at(self, cell: int, at: tuple[int, ...], axis: Axis) -> bool:
        """Return whether a cell is in a plane or time point; notify if not."""
        found = bool(cell) and self._has(cell, at)
        if cell and not found:
            self._notify(f"Cell {cell} is not in this {_NAMES[axis]}.")
        return found

    def _reason_not_filled(self, cell: int, at: tuple[int, ...]) -> str:
        """Return the reason why a cell in a volume was not interpolated."""
        labels = self._context.labels
        assert labels is not None
        mask = cell_mask(labels, self._context.table, cell, at)[1]
        drawn = np.flatnonzero(mask.any(axis=(1, 2))).tolist()
        if not drawn:
            return f"Cell {cell} is not in this time point."
        if all(high - low == 1 for low, high in pairwise(drawn)):
            return (
                f"Nothing to interpolate: cell {cell} is in all planes from its first "
                "to its last."
            )
        return (
            f"Nothing was interpolated: other cells occupy the place of cell {cell}, "
            "or its outlines are too different."
        )

    def _has(self, cell: int, at: tuple[int, ...]) -> bool:
        labels = self._context.labels
        assert labels is not None
        return bool(cell_mask(labels, self._context.table, cell, at)[1].any())
