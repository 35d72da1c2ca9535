"""Keyboard shortcuts of commands, as the user has set them."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QKeySequence

from cellpose_studio.app.settings import Settings
from cellpose_studio.ui.commands.command import QAction, native_keys

_TEXT = QKeySequence.SequenceFormat.PortableText


class Shortcuts(QObject):
    """Changes the shortcuts of actions and saves them in the settings.

    Parameters
    ----------
    actions
        Actions by the names of their shortcuts in the settings. Their present
        shortcuts are the default ones.
    """

    changed = Signal()

    def __init__(self, actions: Mapping[str, QAction], settings: Settings) -> None:
        super().__init__()
        self.actions = actions
        self._settings = settings
        # The defaults are read before `_apply` replaces them by the keys of the user.
        self._defaults = {name: action.shortcuts() for name, action in actions.items()}
        self._apply()

    def set(self, name: str, key: QKeySequence) -> None:
        """Assign a key to a command, or none if it is empty; other commands lose it.

        A command that loses its last key gets its default keys back if they are free.
        """
        self._assign(name, [] if key.isEmpty() else [key])

    def reset(self, name: str) -> None:
        """Assign the default keys to a command, as `set` does."""
        self._assign(name, self._defaults[name])

    def reset_all(self) -> None:
        """Assign the default keys to all commands."""
        for name, keys in self._defaults.items():
            self._save(name, keys)
        self._apply()

    def is_changed(self, name: str) -> bool:
        """Return whether the keys of a command differ from its default keys."""
        return bool(self.actions[name].shortcuts() != self._defaults[name])

    def command_of(self, key: QKeySequence, name: str = "") -> str | None:
        """Return the command other than ``name`` that has a key, or None."""
        if key.isEmpty():
            return None
        for other, action in self.actions.items():
            if other != name and key in action.shortcuts():
                return other
        return None

    def text(self, name: str) -> str:
        """Return the keys of a command in the notation of the system."""
        return native_keys(self.actions[name])

    def _assign(self, name: str, keys: list[QKeySequence]) -> None:
        now = {other: action.shortcuts() for other, action in self.actions.items()}
        now[name] = keys
        # Each key has one command: Qt calls none of several with the same shortcut.
        for other in now.keys() - {name}:
            remaining = [key for key in now[other] if key not in keys]
            if remaining == now[other]:
                continue
            taken = [key for one in now if one != other for key in now[one]]
            defaults = self._defaults[other]
            now[other] = remaining or [key for key in defaults if key not in taken]
            self._save(other, now[other])
        self._save(name, keys)
        self._apply()

    def _save(self, name: str, keys: list[QKeySequence]) -> None:
        # Default keys are not saved, so that a later version can change them.
        is_default = keys == self._defaults[name]
        texts = None if is_default else [key.toString(_TEXT) for key in keys]
        self._settings.set_keys(name, texts)

    def _apply(self) -> None:
        own = {name: self._settings.keys.get(name) for name in self.actions}
        # A newer version may have a command whose default key the user has assigned.
        taken = {text for texts in own.values() for text in texts or ()}
        for name, action in self.actions.items():
            texts, defaults = own[name], self._defaults[name]
            if texts is None:
                keys = [key for key in defaults if key.toString(_TEXT) not in taken]
            else:
                keys = [QKeySequence(text) for text in texts]
            action.setShortcuts(keys)
        self.changed.emit()
