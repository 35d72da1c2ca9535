"""Menu commands on the chosen cell or on all cells."""

from __future__ import annotations

from qtpy.QtWidgets import QInputDialog, QWidget

from cellpose_studio.app.session.operations import Changed
from cellpose_studio.core.edits.reshape import (
    fill_holes,
    grow_cells,
    shrink_cells,
    smooth_cells,
)
from cellpose_studio.core.edits.whole import remove_at_border, remove_small
from cellpose_studio.ui.commands.command import Command
from cellpose_studio.ui.tools.edit_runner import NO_PLANE, Operation
from cellpose_studio.ui.tools.manager import ToolManager
from cellpose_studio.ui.tools.toolbox import TOOLS, ToolInfo

_SMALL = 15  # px
_OF = "of the chosen cell, or of all in the plane if none is chosen"


class CellCommands:
    """Commands of the Curate menu on cells; each is one undo step.

    Commands on shapes act on the current plane: on the chosen cell, or without one on
    all cells.
    """

    def __init__(self, tools: ToolManager, parent: QWidget) -> None:
        self._tools = tools
        self._context = tools.context
        self._edits = tools.edits
        self._parent = parent

    def commands(self) -> list[Command | None]:
        """Return the commands for the window's menu, None for separators."""
        plane = self._reason_no_plane
        return [
            Command("deleteCell", "&Delete cell", self._tools.delete, key="Del"),
            Command(
                "fillHoles",
                "&Fill holes",
                self.fill_holes,
                key="F",
                tip=f"Fill the holes {_OF}.",
                reason_disabled=plane,
            ),
            Command(
                "smooth",
                "&Smooth outlines",
                self.smooth,
                tip=f"Round the outlines {_OF}.",
                reason_disabled=plane,
            ),
            Command(
                "grow",
                "&Grow by a pixel",
                self.grow,
                tip=f"Dilate the masks {_OF}.",
                reason_disabled=plane,
            ),
            Command(
                "shrink",
                "Shri&nk by a pixel",
                self.shrink,
                tip=f"Erode the masks {_OF}.",
                reason_disabled=plane,
            ),
            None,
            Command(
                "atBorder",
                "Remove cells at the &border",
                self.remove_at_border,
                tip="Delete the cells that touch the edge of the image.",
            ),
            Command(
                "small",
                "Remove s&mall cells…",
                self.remove_small,
                tip="Delete the cells below a size that you are asked for.",
            ),
            Command(
                "relabel",
                "&Relabel from 1",
                self.relabel,
                tip="Number the cells 1, 2, 3 …, without gaps.",
            ),
        ]

    def fill_holes(self) -> None:
        """Fill the holes of cells."""
        at, protect = self._plane, self._context.settings.protect
        self._reshape(
            "Fill holes",
            lambda labels, table, cells, checkpoint: fill_holes(
                labels, table, cells, at, protect=protect, checkpoint=checkpoint
            ),
        )

    def smooth(self) -> None:
        """Smooth the outlines of cells."""
        at, protect = self._plane, self._context.settings.protect
        self._reshape(
            "Smooth outlines",
            lambda labels, table, cells, checkpoint: smooth_cells(
                labels, table, cells, at, protect=protect, checkpoint=checkpoint
            ),
        )

    def grow(self) -> None:
        """Grow cells by a pixel."""
        at, protect = self._plane, self._context.settings.protect
        self._reshape(
            "Grow cells",
            lambda labels, table, cells, checkpoint: grow_cells(
                labels, table, cells, 1, at, protect=protect, checkpoint=checkpoint
            ),
        )

    def shrink(self) -> None:
        """Shrink cells by a pixel."""
        at = self._plane
        self._reshape(
            "Shrink cells",
            lambda labels, table, cells, checkpoint: shrink_cells(
                labels, table, cells, 1, at, checkpoint=checkpoint
            ),
        )

    def remove_at_border(self) -> None:
        """Remove the cells that touch the border of the image."""
        if self._context.labels is not None:
            self._remove(
                "Remove cells at the border",
                self._context.table.at_border().tolist(),
                lambda labels, table, _, checkpoint: remove_at_border(
                    labels, table, checkpoint=checkpoint
                ),
            )

    def remove_small(self) -> None:
        """Ask for a size and remove smaller cells."""
        size, answered = QInputDialog.getInt(
            self._parent, "Remove small cells", "Fewer pixels than", _SMALL, 1
        )
        if answered and self._context.labels is not None:
            self._remove(
                "Remove small cells",
                self._context.table.smaller_than(size).tolist(),
                lambda labels, table, _, checkpoint: remove_small(
                    labels, table, size, checkpoint
                ),
            )

    def relabel(self) -> None:
        """Renumber the cells from 1, without gaps."""
        image = self._context.image
        if self._context.labels is None or image is None:
            return
        background = self._edits.background

        def done(changed: Changed | None) -> None:
            if changed is None:
                background.noted.emit(
                    f"The cells of {image.source.name} are numbered from 1 already."
                )

        background.change_masks(
            image, "Relabel cells", lambda operations, _: operations.relabel(), done
        )

    def _reason_no_plane(self) -> str:
        """Return the reason why commands on the current plane are disabled, or ""."""
        return NO_PLANE if self._context.canvas.rendering.on else ""

    @property
    def _plane(self) -> tuple[int, ...]:
        return self._context.canvas.plane

    def _remove(self, title: str, cells: list[int], operation: Operation) -> None:
        if cells:
            self._edits.act(title, cells, operation, self._edits.cost(cells))
        else:
            self._edits.tell_nothing(title)

    def _reshape(self, title: str, operation: Operation) -> None:
        at = self._plane
        cells = self._edits.chosen_or_all(at)
        if cells:
            self._edits.act(title, cells, operation, self._edits.cost(cells, at))
        elif self._context.labels is not None:
            self._edits.tell_nothing(title)


def tool_commands(tools: ToolManager) -> list[Command | None]:
    """Return the commands for the tools, None for separators."""
    return [
        *(_command(tools, tool) for tool in TOOLS.values() if not tool.trains),
        None,
        Command("smallerBrush", "S&maller brush", lambda: tools.resize(False), key=","),
        Command("largerBrush", "&Larger brush", lambda: tools.resize(True), key="."),
        Command(
            "penPressure",
            "Pen pressure sets the brush si&ze",
            tools.set_pressure,
            tip="With a pen on a tablet: press less for a smaller brush. The other end "
            "of the pen erases, with any tool.",
            checked=lambda: tools.settings.pressure,
        ),
    ]


def training_tool_commands(tools: ToolManager) -> list[Command | None]:
    """Return the commands for the tools of the Train menu."""
    return [_command(tools, tool) for tool in TOOLS.values() if tool.trains]


def _command(tools: ToolManager, tool: ToolInfo) -> Command:
    return Command(
        tool.mode,
        tool.text,
        lambda: tools.toggle(tool.mode),
        key=tool.key,
        tip=lambda: tools.gestures.fill_in(tool.tip),
    )
