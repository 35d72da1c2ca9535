"""Whether the desktop is dark or light, also while the application runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtGui import QGuiApplication, QPalette

if TYPE_CHECKING:
    from cellpose_studio.ui.window.appearance.portal import Portal

ShownTheme = Literal["dark", "light"]

_PERSONALIZE = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"


class SystemTheme(QObject):
    """Follows the desktop.

    Qt tells from version 6.5 on. Before, and where it knows nothing, the portal of the
    desktop tells on Linux, and the registry on Windows; else the colours of Qt's
    palette, which follow the desktop on macOS and where Qt has a theme of the desktop.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        app = QGuiApplication.instance()
        self._portal = _portal(self)
        if self._portal is not None:
            self._portal.changed.connect(self._refresh)
        hints = QGuiApplication.styleHints()
        if hasattr(hints, "colorSchemeChanged"):
            hints.colorSchemeChanged.connect(self._refresh)
        app.paletteChanged.connect(self._refresh)
        # The registry tells nobody that it has changed; the user changes it elsewhere.
        app.applicationStateChanged.connect(self._refresh)
        self.theme = self._found()

    def _refresh(self, *_: object) -> None:
        theme = self._found()
        if theme != self.theme:
            self.theme = theme
            self.changed.emit()

    def _found(self) -> ShownTheme:
        portal = self._portal.theme if self._portal is not None else ""
        return _of_qt() or _of_windows() or portal or _of_palette()


def _portal(parent: QObject) -> Portal | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        from cellpose_studio.ui.window.appearance.portal import Portal
    # A package of Qt may come without D-Bus.
    except ImportError:
        return None
    return Portal(parent)


def _of_qt() -> Literal["", "dark", "light"]:
    hints = QGuiApplication.styleHints()
    if not hasattr(hints, "colorScheme"):
        return ""
    schemes = {Qt.ColorScheme.Dark: "dark", Qt.ColorScheme.Light: "light"}
    return schemes.get(hints.colorScheme(), "")  # type: ignore[return-value]


def _of_windows() -> Literal["", "dark", "light"]:
    if sys.platform != "win32":
        return ""
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, _PERSONALIZE) as key:
            light, _ = winreg.QueryValueEx(key, "AppsUseLightTheme")
    # Windows 8 and older have no such value.
    except OSError:
        return ""
    return "light" if light else "dark"


def _of_palette() -> ShownTheme:
    palette = QGuiApplication.palette()
    ground = palette.color(QPalette.ColorRole.Window).lightness()
    text = palette.color(QPalette.ColorRole.WindowText).lightness()
    return "dark" if ground < text else "light"
