"""Menu commands on tracks: divisions set and cut, tracks cut and joined."""

from __future__ import annotations

import re
from collections.abc import Callable

from qtpy.QtWidgets import QInputDialog, QLineEdit, QWidget

from cellpose_studio.ui.commands.command import Command
from cellpose_studio.ui.tools.manager import ToolManager
from cellpose_studio.ui.tools.tracks.divide import NO_FILM
from cellpose_studio.ui.tools.tracks.divider import Divider

_NO_CELL = "Choose a cell first."

Ask = Callable[[str, str], str | None]


class TrackCommands:
    """Commands of the Curate menu on the chosen track.

    Attributes
    ----------
    ask
        Asks for numbers of cells, with a title and a sentence; None if the user
        cancels.
    """

    def __init__(self, tools: ToolManager, parent: QWidget) -> None:
        self._context = tools.context
        self._divider = Divider(tools.context, tools.edits)
        self._parent = parent
        self._note = tools.edits.background.noted.emit
        self.ask: Ask = self._ask

    def commands(self) -> list[Command | None]:
        """Return the commands for the window's menu, None for separators."""
        reason = self._reason_no_film
        return [
            Command(
                "setDivision",
                "&Set division…",
                self.set_division,
                tip="Makes cells the daughters of the chosen cell, by their numbers. "
                "The tool Divide does it by clicks.",
                reason_disabled=reason,
            ),
            Command(
                "cutDivision",
                "&Cut division",
                self.cut_division,
                tip="Removes the links between the chosen cell, its mother and its "
                "daughters. Their masks stay.",
                reason_disabled=reason,
            ),
            None,
            Command(
                "cutTrack",
                "Cut &track here",
                self.cut_track,
                key="Shift+Y",
                tip="Gives the chosen cell a new number from the time point shown on.",
                reason_disabled=reason,
            ),
            Command(
                "joinTracks",
                "&Join tracks…",
                self.join_tracks,
                key="Shift+J",
                tip="Makes one track of cells that are there at different times. It "
                "keeps the number of the earliest.",
                reason_disabled=reason,
            ),
        ]

    def set_division(self) -> None:
        """Ask for the daughters of the chosen cell."""
        mother = self._context.chosen
        if not mother:
            self._note(_NO_CELL)
            return
        cells = self._numbers(
            "Set division", f"Numbers of the daughters of cell {mother}, such as 5, 6:"
        )
        if cells:
            self._divider.divide(mother, cells)

    def cut_division(self) -> None:
        """Remove the divisions of the chosen cells."""
        if self._context.all_chosen:
            self._divider.cut_division(self._context.all_chosen)
        else:
            self._note(_NO_CELL)

    def cut_track(self) -> None:
        """Give the chosen cell a new number from the time point shown on."""
        if self._context.chosen:
            self._divider.cut_track(self._context.chosen, self._context.canvas.plane[0])
        else:
            self._note(_NO_CELL)

    def join_tracks(self) -> None:
        """Join the chosen cells, or the chosen one with those that are asked for."""
        cells = self._context.all_chosen
        if not cells:
            self._note(_NO_CELL)
            return
        if len(cells) == 1:
            others = self._numbers(
                "Join tracks",
                f"Numbers of the cells that are one with cell {cells[0]}:",
            )
            cells = list(dict.fromkeys([*cells, *others]))
        self._divider.join(cells)

    def _numbers(self, title: str, text: str) -> list[int]:
        """Ask for cells; empty if the user cancels, or some are not there."""
        answer = self.ask(title, text)
        if answer is None:
            return []
        cells = [int(number) for number in re.findall(r"\d+", answer)]
        unknown = [cell for cell in cells if not self._context.table.size_of(cell)]
        if unknown or not cells:
            self._note(
                f"There is no cell {unknown[0]}." if unknown else "No number was given."
            )
            return []
        return list(dict.fromkeys(cells))

    def _ask(self, title: str, text: str) -> str | None:
        answer, accepted = QInputDialog.getText(
            self._parent, title, text, QLineEdit.EchoMode.Normal
        )
        return answer if accepted else None

    def _reason_no_film(self) -> str:
        """Return why commands on tracks are disabled, or ""."""
        return "" if self._divider.is_film() else NO_FILM
