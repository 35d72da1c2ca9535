"""The commands of a window; updates their actions and buttons."""

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
    """All commands of a window, each once.

    Parameters
    ----------
    owner
        The window in which the shortcuts are active.

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
        """Add commands to a menu, a separator for each None."""
        self.actions |= fill(menu, commands, self._owner)
        self.records |= {command.name: command for command in commands if command}

    def add_buttons(self, buttons: Mapping[str, QAbstractButton]) -> None:
        """Update buttons with their commands, which were added under the same names."""
        self._buttons |= buttons

    def refresh(self, *names: str) -> None:
        """Update the actions and buttons of the named commands, or of all commands."""
        for name in names or self.records:
            command, action = self.records[name], self.actions[name]
            show_state(command, action)
            if (button := self._buttons.get(name)) is not None:
                button.setEnabled(action.isEnabled())
                button.setToolTip(_button_tip(command, action))


def _button_tip(command: Command, action: QAction) -> str:
    """Return the tooltip of a button: tip, present key, and reason if disabled."""
    keys = native_keys(action)
    key = f"Shortcut: {keys}." if keys else ""
    # The tooltip of a disabled action is the reason, as `show_state` sets it.
    reason = "" if action.isEnabled() else action.toolTip()
    return rich(" ".join(filter(None, (command.tip_text, key, reason))))
