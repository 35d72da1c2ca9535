"""The menu of the cell labels."""

from __future__ import annotations

from qtpy.QtWidgets import QMenu

from cellpose_studio.ui.commands.command import Command
from cellpose_studio.ui.commands.command_set import CommandSet
from cellpose_studio.ui.display.cell_text.provider import KINDS, CellTextProvider

try:  # Qt 6
    from qtpy.QtGui import QActionGroup
except ImportError:  # Qt 5
    from qtpy.QtWidgets import QActionGroup

# The names of commands are keys of the settings.
KIND_COMMANDS = {kind: "words" + kind.title().replace(" ", "") for kind in KINDS}
"""Names of the commands that choose a kind of cell labels, by the kind."""


def fill_cell_text_menu(
    menu: QMenu, texts: CellTextProvider, commands: CommandSet
) -> None:
    """Add the commands that choose a kind of cell labels, or none."""
    switch = Command("words", "Show or hide &labels", texts.toggle, key="W")
    kinds = [
        Command(
            KIND_COMMANDS.get(kind, "wordsNone"), title, lambda: None, checked=False
        )
        for kind, title in {"": "N&one", **KINDS}.items()
    ]
    commands.add(menu, [switch, None, *kinds])
    group = QActionGroup(menu)
    choices = {
        kind: commands.actions[KIND_COMMANDS.get(kind, "wordsNone")]
        for kind in ("", *KINDS)
    }
    for kind, action in choices.items():
        group.addAction(action)
        # Qt emits `triggered` only for a choice of the user, not for `check_current`.
        action.triggered.connect(lambda _=False, kind=kind: texts.choose(kind))

    def check_current() -> None:
        choices[texts.kind if texts.on else ""].setChecked(True)

    texts.changed.connect(check_current)
    check_current()
