"""The commands of each menu."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from qtpy.QtWidgets import QMenu, QMenuBar

from cellpose_studio.ui.commands.command import QAction


def command_groups(
    actions: Mapping[str, QAction], bar: QMenuBar
) -> dict[str, list[str]]:
    """Return the names of the actions of each menu, by the title of the menu."""
    names = {id(action): name for name, action in actions.items()}
    groups: dict[str, list[str]] = {}
    for top in bar.actions():
        found = [names[id(a)] for a in _actions(top.menu()) if id(a) in names]
        if found:
            groups[top.text().replace("&", "")] = found
    return groups


def _actions(menu: QMenu) -> Iterator[QAction]:
    for action in menu.actions():
        if action.menu() is not None:
            yield from _actions(action.menu())
        else:
            yield action
