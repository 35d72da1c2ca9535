"""What the application remembers from one start to the next."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from psygnal import Signal
from qtpy.QtCore import QByteArray, QSettings

_MOST_RECENT = 12


class Settings:
    """Settings in a file of our own; unreadable values count as never set.

    Parameters
    ----------
    file
        An INI file, made when something is remembered.
    """

    recent_changed = Signal()

    def __init__(self, file: Path) -> None:
        self._store = QSettings(str(file), QSettings.Format.IniFormat)

    @property
    def recent(self) -> list[Path]:
        """Files and folders that were opened last, the last first."""
        return [Path(p) for p in self._strings("recent")]

    def add_recent(self, paths: Sequence[Path]) -> None:
        """Put ``paths`` at the top of the recent ones."""
        new = list(dict.fromkeys([*map(str, paths), *map(str, self.recent)]))
        self._store.setValue("recent", new[:_MOST_RECENT])
        self.recent_changed.emit()

    def clear_recent(self) -> None:
        """Forget the recent files."""
        self._store.remove("recent")
        self.recent_changed.emit()

    @property
    def model_files(self) -> list[Path]:
        """The user's own weight files."""
        return [Path(p) for p in self._strings("model_files")]

    def add_model_file(self, path: Path) -> None:
        """Remember a weight file."""
        files = list(dict.fromkeys([*self._strings("model_files"), str(path)]))
        self._store.setValue("model_files", files)

    @property
    def save_kinds(self) -> list[str]:
        """Kinds of files that were saved last."""
        return self._strings("save_kinds")

    @save_kinds.setter
    def save_kinds(self, kinds: Sequence[str]) -> None:
        self._store.setValue("save_kinds", list(kinds))

    @property
    def figure(self) -> dict[str, object]:
        """What was chosen for the last figure, by name."""
        try:
            known = json.loads(self._store.value("figure", "{}"))
        except (TypeError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    @figure.setter
    def figure(self, options: Mapping[str, object]) -> None:
        self._store.setValue("figure", json.dumps(options))

    @property
    def figure_ending(self) -> str:
        """The ending of the last figure's name."""
        ending = self._store.value("figure_ending", ".png")
        return ending if ending in (".png", ".svg", ".pdf") else ".png"

    @figure_ending.setter
    def figure_ending(self, ending: str) -> None:
        self._store.setValue("figure_ending", ending)

    @property
    def folder(self) -> str:
        """Where the user opened something last."""
        folder = self._store.value("folder")
        return folder if isinstance(folder, str) else ""

    @folder.setter
    def folder(self, path: str) -> None:
        self._store.setValue("folder", path)

    @property
    def theme(self) -> str:
        """Which colours: "dark" or "light"."""
        theme = self._store.value("theme", "dark")
        return theme if theme in ("dark", "light") else "dark"

    @theme.setter
    def theme(self, theme: str) -> None:
        self._store.setValue("theme", theme)

    def keys(self, command: str) -> list[str] | None:
        """Return the keys that the user gave a command; None for those it began with.

        As Qt writes them on all systems: "Ctrl+K".
        """
        if not self._store.contains(f"keys/{command}"):
            return None
        return self._strings(f"keys/{command}")

    def set_keys(self, command: str, keys: Sequence[str] | None) -> None:
        """Remember the keys of a command; None forgets them."""
        if keys is None:
            self._store.remove(f"keys/{command}")
        else:
            self._store.setValue(f"keys/{command}", list(keys))

    def window(self, part: str) -> QByteArray | None:
        """Return the remembered "geometry" or "state" of the window."""
        value = self._store.value(f"window/{part}")
        return value if isinstance(value, QByteArray) else None

    def set_window(self, part: str, value: QByteArray) -> None:
        """Remember the "geometry" or "state" of the window."""
        self._store.setValue(f"window/{part}", value)

    def _strings(self, name: str) -> list[str]:
        value: Any = self._store.value(name)
        # An INI file gives a list of one back as the string in it.
        values = value if isinstance(value, list) else [value]
        return [text for text in values if isinstance(text, str) and text]
