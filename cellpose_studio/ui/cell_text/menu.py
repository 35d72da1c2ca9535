"""The menu of the words at cells."""

from __future__ import annotations

from qtpy.QtWidgets import QMenu, QWidget

from cellpose_studio.ui.cell_text.provider import KINDS, CellTextProvider
from cellpose_studio.ui.commands.command import Command, QAction, fill

try:  # Qt 6
    from qtpy.QtGui import QActionGroup
except ImportError:  # Qt 5
    from qtpy.QtWidgets import QActionGroup

_NAMES = {kind: "words" + kind.title().replace(" ", "") for kind in KINDS}


def fill_cell_text_menu(
    menu: QMenu, words: CellTextProvider, owner: QWidget
) -> dict[str, QAction]:
    """Offer no words, or those of a kind; return the actions by name."""
    switch = Command("words", "&Words on or off", words.switch, "W")
    kinds = [
        Command(_NAMES.get(kind, "wordsNone"), text, lambda: None, checked=False)
        for kind, text in {"": "N&one", **KINDS}.items()
    ]
    actions = fill(menu, [switch, None, *kinds], owner)
    group = QActionGroup(owner)
    choices = {kind: actions[_NAMES.get(kind, "wordsNone")] for kind in ("", *KINDS)}
    for kind, action in choices.items():
        group.addAction(action)
        action.triggered.connect(lambda _=False, kind=kind: words.choose(kind))

    def show() -> None:
        choices[words.kind if words.on else ""].setChecked(True)

    words.changed.connect(show)
    show()
    return actions
