"""The commands of a window, with their actions and buttons kept in step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtWidgets import QAbstractButton, QMenu, QWidget

from cellpose_studio.ui.commands.command import (
    Command,
    QAction,
    fill,
    native_keys,
    rich,
    show_state,
)


class CommandSet:
    """Every command of a window once.

    Parameters
    ----------
    owner
        The window in which the keys act.

    Attributes
    ----------
    records, actions
        By the names of the commands.
    """

    def __init__(self, owner: QWidget) -> None:
        self._owner = owner
        self.records: dict[str, Command] = {}
        self.actions: dict[str, QAction] = {}
        self._buttons: dict[str, QAbstractButton] = {}

    def add(self, menu: QMenu, commands: Sequence[Command | None]) -> None:
        """Add commands to a menu, a line for each None."""
        self.actions |= fill(menu, commands, self._owner)
        self.records |= {command.name: command for command in commands if command}

    def add_buttons(self, buttons: Mapping[str, QAbstractButton]) -> None:
        """Keep the state of buttons, given by the names of commands that were added."""
        self._buttons |= buttons

    def refresh(self, *names: str) -> None:
        """Show what can be called now and what is on; of all commands without names."""
        for name in names or self.records:
            command, action = self.records[name], self.actions[name]
            show_state(command, action)
            if (button := self._buttons.get(name)) is not None:
                button.setEnabled(action.isEnabled())
                button.setToolTip(_button_tip(command, action))


def _button_tip(command: Command, action: QAction) -> str:
    """Return what a command does, its present key, and why it is off."""
    keys = native_keys(action)
    key = f"Key: {keys}." if keys else ""
    reason = "" if action.isEnabled() else action.toolTip()
    return rich(" ".join(filter(None, (command.tip, key, reason))))
