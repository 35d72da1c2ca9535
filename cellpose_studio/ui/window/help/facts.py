"""Facts for a bug report that are at hand without waiting for a library."""

from __future__ import annotations

import platform

from qtpy import API_NAME, QT_VERSION
from qtpy.QtGui import QGuiApplication

from cellpose_studio.engine.versions import version_of, versions

_NAMES = {"cellpose-studio": "Cellpose Studio", "python": "Python"}


def report_facts() -> dict[str, str]:
    """Return what a report begins with, by name: versions, system, screen."""
    facts = {_NAMES.get(name, name): found for name, found in versions().items()}
    facts["napari"] = version_of("napari")
    facts["Qt"] = f"{QT_VERSION} ({API_NAME})"
    facts["System"] = platform.platform()
    facts["Screen"] = QGuiApplication.platformName()
    return facts
