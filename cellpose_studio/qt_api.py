"""Which Qt the window uses, decided before Qt is imported."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

PREFERRED = ("PyQt6", "PyQt5")
"""The Qt to use, the first that is installed.

PyQt5 comes with every installation. PyQt6 comes with the extra ``pyqt6`` alone, so
whoever has it has asked for it.
"""

VARIABLE = "QT_API"
"""Names another one, as for all programs that use QtPy."""

_KNOWN = ("PyQt5", "PyQt6", "PySide2", "PySide6")
_NEEDED = "QtWidgets"


def choose_qt() -> str:
    """Choose the Qt that QtPy is going to load; return a note for the user, or "".

    ``QT_API`` decides if it names one that is installed, else `PREFERRED` does. A Qt
    that is loaded already stays: two in one process crash it.
    """
    loaded = [name for name in _KNOWN if f"{name}.QtCore" in sys.modules]
    if loaded:
        os.environ[VARIABLE] = loaded[0].lower()
        return ""
    asked = os.environ.get(VARIABLE, "")
    names = {name.lower(): name for name in _KNOWN}
    if asked and is_installed(names.get(asked.lower(), "")):
        return ""
    found = [name for name in PREFERRED if is_installed(name)]
    # Without any, QtPy says so.
    if not found:
        return ""
    os.environ[VARIABLE] = found[0].lower()
    if not asked:
        return ""
    return f"{VARIABLE} names {asked}, which is not installed; {found[0]} is used."


def is_installed(name: str) -> bool:
    """Return whether a Qt with windows is installed, without loading it."""
    spec = find_spec(name) if name else None
    folders = (spec.submodule_search_locations if spec else None) or []
    # A folder may be left over from a version that was removed.
    return any(list(Path(folder).glob(f"{_NEEDED}.*")) for folder in folders)
