"""The picture that is shown at once, while the rest of the application loads."""

from __future__ import annotations

import json
from time import monotonic

from qtpy.QtCore import QRect, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QApplication, QSplashScreen

from cellpose_studio import __version__
from cellpose_studio.paths import config_dir
from cellpose_studio.ui.window.appearance.system_theme import SystemTheme
from cellpose_studio.ui.window.launch.identity import NAME, icon

_WIDTH, _HEIGHT = 440, 176
_ICON = QRect(24, 24, 128, 128)
_TEXT = QRect(176, 44, 248, 40)
_VERSION = QRect(176, 84, 248, 24)
_LINE = QRect(176, 124, 248, 24)
_LONGEST = 0.15
"""Seconds that a window manager is waited for; without one, nothing is waited for."""

# Of napari's themes, which are not loaded yet: ground, frame, text, small text.
_COLOURS = {
    "dark": ("#23242b", "#424a54", "#f0f1f2", "#a3a8b0"),
    "light": ("#ebe7e6", "#c5c3c1", "#3b3a39", "#696766"),
}


class Splash(QSplashScreen):
    """Icon, name and version, and a line with what is being loaded.

    It goes when the window or a dialog comes, and when it is clicked.
    """

    def __init__(self, theme: str) -> None:
        super().__init__()
        # Closing it must not end the application while it has no other window.
        self.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, False)
        self._colours = _COLOURS[theme]
        self._line = ""
        self.resize(_WIDTH, _HEIGHT)
        area = QApplication.primaryScreen().availableGeometry()
        self.move(area.center() - self.rect().center())
        QApplication.instance().focusWindowChanged.connect(self._make_room)

    def show_at_once(self, line: str) -> None:
        """Show it, painted, before anything else is loaded."""
        self._line = line
        self.show()
        began = monotonic()
        while monotonic() - began < _LONGEST and not self._is_on_screen():
            QApplication.processEvents()
        self.repaint()
        QApplication.processEvents()

    def tell(self, line: str) -> None:
        """Show what is being loaded now, and answer a second start meanwhile."""
        self._line = line
        self.repaint()
        QApplication.processEvents()

    def paintEvent(self, _: QPaintEvent | None) -> None:
        """Paint the icon and the texts."""
        ground, frame, text, small = map(QColor, self._colours)
        painter = QPainter(self)
        painter.fillRect(self.rect(), ground)
        painter.setPen(QPen(frame, 2))
        painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        icon().paint(painter, _ICON)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.setPen(text)
        painter.setFont(_font(26, bold=True))
        painter.drawText(_TEXT, left, NAME)
        painter.setPen(small)
        painter.setFont(_font(14))
        painter.drawText(_VERSION, left, f"Version {__version__}")
        painter.drawText(_LINE, left, self._line)
        painter.end()

    def _is_on_screen(self) -> bool:
        handle = self.windowHandle()
        return handle is not None and bool(handle.isExposed())

    def _make_room(self) -> None:
        if QApplication.activeModalWidget() is not None:
            self.close()


def theme_in_settings() -> str:
    """Return the theme in the file of settings, or that of the desktop.

    The settings themselves load too much to be read before the splash is shown.
    """
    try:
        content = json.loads((config_dir() / "settings.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        content = None
    theme = content.get("theme") if isinstance(content, dict) else None
    if isinstance(theme, str) and theme in _COLOURS:
        return theme
    return SystemTheme().theme


def _font(pixels: int, bold: bool = False) -> QFont:
    font = QFont(QApplication.font())
    font.setPixelSize(pixels)
    font.setBold(bold)
    return font
