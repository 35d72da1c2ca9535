"""Reads the INI file that earlier versions kept the settings in."""

from __future__ import annotations

import json
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from typing import Any

from qtpy.QtCore import QByteArray, QSettings

_LISTS = ("recent", "model_files", "save_kinds")
_TEXTS = ("figure_ending", "folder", "theme")
_WINDOW = {
    "window_geometry": "window/geometry",
    "window_layout": "window/state",
}


def read_ini(file: Path) -> dict[str, Any]:
    """Return the settings of an INI file, unchecked; none if there is no file."""
    if not file.is_file():
        return {}
    store = QSettings(str(file), QSettings.Format.IniFormat)
    known: dict[str, Any] = {n: _strings(store, n) for n in _LISTS if store.contains(n)}
    known |= {name: store.value(name) for name in _TEXTS if store.contains(name)}
    with suppress(TypeError, ValueError):
        known["figure"] = json.loads(store.value("figure"))
    names = [name for name in store.allKeys() if name.startswith("keys/")]
    known["keys"] = {
        name.removeprefix("keys/"): _strings(store, name) for name in names
    }
    for name, old in _WINDOW.items():
        value = store.value(old)
        if isinstance(value, QByteArray):
            known[name] = b64encode(value.data()).decode()
    return known


def _strings(store: QSettings, name: str) -> list[str]:
    value = store.value(name)
    # An INI file gives a list of one back as the string in it.
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str) and text]
