"""Every command of the menus: its words, its key, and what it calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QMenu, QWidget

try:  # Qt 6
    from qtpy.QtGui import QAction
except ImportError:  # Qt 5
    from qtpy.QtWidgets import QAction

__all__ = ["Command", "QAction", "fill", "fill_recent"]


@dataclass(frozen=True)
class Command:
    """One entry of a menu.

    Attributes
    ----------
    text
        With the letter to press after an ampersand.
    call
        Called without arguments; with whether it is on, if ``checked`` is given.
    key
        As Qt writes keys, "; " between several; "" for none.
    checked
        Whether it is on at first; None if it is not a switch.
    """

    name: str
    text: str
    call: Callable[..., object]
    key: str = ""
    checked: bool | None = None


def fill(
    menu: QMenu, commands: list[Command | None], owner: QWidget
) -> dict[str, QAction]:
    """Add ``commands`` to ``menu``, a line for each None; return actions by name."""
    actions = {}
    for command in commands:
        if command is None:
            menu.addSeparator()
            continue
        action = QAction(command.text, owner, objectName=command.name)
        if command.key:
            action.setShortcuts(QKeySequence.listFromString(command.key))
        if command.checked is None:
            action.triggered.connect(lambda _=False, call=command.call: call())
        else:
            action.setCheckable(True)
            action.setChecked(command.checked)
            action.toggled.connect(command.call)
        menu.addAction(action)
        actions[command.name] = action
    return actions


def fill_recent(menu: QMenu, paths: list[Path], call: Callable[[Path], object]) -> None:
    """Show ``paths`` in ``menu``, those that are still there."""
    menu.clear()
    for path in paths:
        action = menu.addAction(path.name)
        action.setToolTip(str(path))
        action.triggered.connect(lambda _=False, path=path: call(path))
    menu.setEnabled(bool(paths))
    menu.setToolTipsVisible(True)
