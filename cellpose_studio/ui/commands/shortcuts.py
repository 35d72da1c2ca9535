"""Which key calls which command, as the user wants it."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QKeySequence

from cellpose_studio.app.settings import Settings
from cellpose_studio.ui.commands.command import QAction, native_keys

_TEXT = QKeySequence.SequenceFormat.PortableText


class Keys(QObject):
    """Changes the keys of actions, and remembers it.

    Parameters
    ----------
    actions
        By the names under which their keys are remembered; they have the keys that
        they begin with.
    """

    changed = Signal()

    def __init__(self, actions: Mapping[str, QAction], settings: Settings) -> None:
        super().__init__()
        self.actions = actions
        self._settings = settings
        self._first = {name: action.shortcuts() for name, action in actions.items()}
        self._apply()

    def set(self, name: str, key: QKeySequence) -> None:
        """Give a command a key, an empty one for none; others lose it.

        One that has none left gets those back that it began with, if they are free.
        """
        self._give(name, [] if key.isEmpty() else [key])

    def reset(self, name: str) -> None:
        """Give a command the keys that it began with; as `set` does."""
        self._give(name, self._first[name])

    def reset_all(self) -> None:
        """Give all commands the keys that they began with."""
        for name, keys in self._first.items():
            self._remember(name, keys)
        self._apply()

    def is_changed(self, name: str) -> bool:
        """Tell whether the user gave a command another key."""
        return bool(self.actions[name].shortcuts() != self._first[name])

    def taken_by(self, key: QKeySequence, name: str = "") -> str | None:
        """Return the command that a key calls, other than ``name``; None without."""
        if key.isEmpty():
            return None
        for other, action in self.actions.items():
            if other != name and key in action.shortcuts():
                return other
        return None

    def text(self, name: str) -> str:
        """Return the keys of a command as the system writes them."""
        return native_keys(self.actions[name])

    def _give(self, name: str, keys: list[QKeySequence]) -> None:
        now = {other: action.shortcuts() for other, action in self.actions.items()}
        now[name] = keys
        for other in now.keys() - {name}:
            left = [key for key in now[other] if key not in keys]
            if left == now[other]:
                continue
            taken = [key for one in now if one != other for key in now[one]]
            now[other] = left or [k for k in self._first[other] if k not in taken]
            self._remember(other, now[other])
        self._remember(name, keys)
        self._apply()

    def _remember(self, name: str, keys: list[QKeySequence]) -> None:
        begun = keys == self._first[name]
        texts = None if begun else [key.toString(_TEXT) for key in keys]
        self._settings.set_keys(name, texts)

    def _apply(self) -> None:
        own = {name: self._settings.keys.get(name) for name in self.actions}
        # Commands may have come, since, whose first key the user gave to another.
        taken = {text for texts in own.values() for text in texts or ()}
        for name, action in self.actions.items():
            texts, first = own[name], self._first[name]
            if texts is None:
                keys = [key for key in first if key.toString(_TEXT) not in taken]
            else:
                keys = [QKeySequence(text) for text in texts]
            action.setShortcuts(keys)
        self.changed.emit()
