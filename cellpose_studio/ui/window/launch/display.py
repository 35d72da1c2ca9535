"""Where windows are shown, known before Qt is loaded."""

from __future__ import annotations

import os
import sys

DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")
"""Variables of the environment that name the display, elsewhere than on Windows and
macOS."""


def has_display() -> bool:
    """Return whether there is a display; without one, Qt would abort the process."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in DISPLAYS)
