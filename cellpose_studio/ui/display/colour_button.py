"""A button that shows a colour and offers others."""

from __future__ import annotations

from qtpy.QtCore import QSize, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QColorDialog, QMenu, QToolButton

from cellpose_studio.core.display.channel_display import COLOURS
from cellpose_studio.core.images.image import Colour

_SIDE = 14


class ColourButton(QToolButton):
    """Shows the colour of a channel; its menu has the colours of `COLOURS`."""

    chosen = Signal(object)  # Colour, by the user

    def __init__(self) -> None:
        super().__init__(autoRaise=True, objectName="channelColour")
        self._colour: Colour | None = None
        self.setIconSize(QSize(_SIDE, _SIDE))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setAccessibleName("Colour of the channel")
        self.setToolTip("Choose the colour of this channel")
        menu = QMenu(self)
        for name, colour in COLOURS.items():
            action = menu.addAction(_swatch(colour), name)
            action.triggered.connect(lambda _=False, c=colour: self.chosen.emit(c))
        menu.addSeparator()
        menu.addAction("Other colour…").triggered.connect(self._ask)
        self.setMenu(menu)

    def show_colour(self, colour: Colour) -> None:
        """Show ``colour``."""
        if colour != self._colour:
            self._colour = colour
            self.setIcon(_swatch(colour))

    def _ask(self) -> None:
        now = QColor.fromRgbF(*(self._colour or COLOURS["Grey"]))
        colour = QColorDialog.getColor(now, self, "Colour of the channel")
        if colour.isValid():
            self.chosen.emit((colour.redF(), colour.greenF(), colour.blueF()))


def _swatch(colour: Colour) -> QIcon:
    pixmap = QPixmap(_SIDE, _SIDE)
    pixmap.fill(QColor.fromRgbF(*colour))
    return QIcon(pixmap)
