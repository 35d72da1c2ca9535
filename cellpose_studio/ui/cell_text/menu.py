"""The menu of the words at cells."""

from __future__ import annotations

from qtpy.QtWidgets import QMenu

from cellpose_studio.ui.cell_text.provider import KINDS, CellTextProvider
from cellpose_studio.ui.commands.command import Command
from cellpose_studio.ui.commands.command_set import CommandSet

try:  # Qt 6
    from qtpy.QtGui import QActionGroup
except ImportError:  # Qt 5
    from qtpy.QtWidgets import QActionGroup

_NAMES = {kind: "words" + kind.title().replace(" ", "") for kind in KINDS}


def fill_cell_text_menu(
    menu: QMenu, words: CellTextProvider, commands: CommandSet
) -> None:
    """Offer no words, or those of a kind."""
    switch = Command("words", "&Labels on or off", words.switch, key="W")
    kinds = [
        Command(_NAMES.get(kind, "wordsNone"), text, lambda: None, checked=False)
        for kind, text in {"": "N&one", **KINDS}.items()
    ]
    commands.add(menu, [switch, None, *kinds])
    group = QActionGroup(menu)
    choices = {
        kind: commands.actions[_NAMES.get(kind, "wordsNone")] for kind in ("", *KINDS)
    }
    for kind, action in choices.items():
        group.addAction(action)
        action.triggered.connect(lambda _=False, kind=kind: words.choose(kind))

    def show() -> None:
        choices[words.kind if words.on else ""].setChecked(True)

    words.changed.connect(show)
    show()
