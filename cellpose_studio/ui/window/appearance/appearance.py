"""Applies theme, size of texts and signs of numbers to a window, as they are set."""

from __future__ import annotations

from qtpy.QtCore import QLocale, QObject, Qt
from qtpy.QtGui import QFontDatabase, QFontInfo, QGuiApplication
from qtpy.QtWidgets import QApplication, QWidget

from cellpose_studio.app.settings import Settings
from cellpose_studio.ui.canvas import Canvas
from cellpose_studio.ui.canvas.viewer.theme import style_sheet
from cellpose_studio.ui.window.appearance.style import ADDITIONS
from cellpose_studio.ui.window.appearance.system_theme import ShownTheme, SystemTheme

_LANGUAGES = {".": "en_US", ",": "de_DE"}
"""Languages that write numbers with a decimal point, and a comma."""


class Appearance(QObject):
    """Follows the settings and the desktop.

    Parameters
    ----------
    window
        Whose widgets, dialogs included, get the style.
    """

    def __init__(self, window: QWidget, settings: Settings) -> None:
        super().__init__(window)
        self._window = window
        self._settings = settings
        self._canvas: Canvas | None = None
        self._language = QLocale().name()
        self._system = SystemTheme(self)
        self._system.changed.connect(self._apply_style)
        settings.events.theme.connect(self._on_theme)
        settings.events.text_size.connect(self._apply_text_size)
        settings.events.scale_bar.connect(self._apply_scale_bar)
        settings.events.decimal_point.connect(self._apply_numbers)
        settings.events.group_digits.connect(self._apply_numbers)

    @property
    def theme(self) -> ShownTheme:
        """The theme that is shown: the user's choice, or that of the desktop."""
        chosen = self._settings.theme
        return self._system.theme if chosen == "system" else chosen

    def dress(self, canvas: Canvas) -> None:
        """Apply all of it to the window, and to its canvas."""
        self._canvas = canvas
        self._tell_qt()
        self._apply_text_size()
        self._apply_scale_bar()
        self._apply_numbers()

    def _on_theme(self) -> None:
        self._tell_qt()
        self._apply_style()

    def _tell_qt(self) -> None:
        """Give frames of windows and dialogs of the system the colours, from 6.8 on."""
        hints = QGuiApplication.styleHints()
        if not hasattr(hints, "setColorScheme"):
            return
        schemes = {"dark": Qt.ColorScheme.Dark, "light": Qt.ColorScheme.Light}
        chosen = self._settings.theme
        if chosen == "system":
            hints.unsetColorScheme()
        else:
            hints.setColorScheme(schemes[chosen])

    def _apply_style(self) -> None:
        if self._canvas is None:
            return
        self._canvas.set_theme(self.theme)
        scale = self._settings.text_size / 100
        self._window.setStyleSheet(style_sheet(self.theme, ADDITIONS, scale))

    def _apply_text_size(self) -> None:
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
        # The font itself may have its size in pixels.
        points = QFontInfo(font).pointSizeF()
        font.setPointSizeF(points * self._settings.text_size / 100)
        # To set the same font again would lay out all widgets anew.
        if font.pointSizeF() != QFontInfo(QApplication.font()).pointSizeF():
            QApplication.setFont(font)
        self._apply_style()

    def _apply_scale_bar(self) -> None:
        if self._canvas is not None:
            self._canvas.scale_bar.set_visible(self._settings.scale_bar)

    def _apply_numbers(self) -> None:
        language = _LANGUAGES.get(self._settings.decimal_point)
        locale = QLocale(self._language if language is None else language)
        omitted = QLocale.NumberOption.OmitGroupSeparator
        grouped = QLocale.NumberOption.DefaultNumberOptions
        locale.setNumberOptions(grouped if self._settings.group_digits else omitted)
        QLocale.setDefault(locale)
        # The default is for new windows only, not for the widgets of this one.
        self._window.setLocale(locale)
