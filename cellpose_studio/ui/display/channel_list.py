"""The channels of an image, one row each: on or off, colour and name."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QVBoxLayout, QWidget
from superqt import QElidingLabel

from cellpose_studio.core.display.channel_display import ChannelDisplay
from cellpose_studio.core.images.image import Colour
from cellpose_studio.ui.display.colour_button import ColourButton

RGB_REASON = "The image has its own colours, which are shown as they are."


class ChannelRow(QFrame):
    """One channel: a check box, its colour, and its name."""

    toggled = Signal(bool)
    coloured = Signal(object)  # Colour
    pressed = Signal()

    def __init__(self, name: str, rgb: bool) -> None:
        super().__init__(objectName="channelRow")
        self.check = QCheckBox(toolTip=f"Show or hide {name}")
        self.check.setAccessibleName(f"Show {name}")
        self.colour = ColourButton()
        self.colour.setAccessibleName(f"Colour of {name}")
        self.name = QElidingLabel(name)
        self.name.setToolTip(name)
        # The keys of the canvas work on after a click here.
        for part in (self.check, self.colour):
            part.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            part.installEventFilter(self)
        if rgb:
            self.colour.hide()
            self.name.setToolTip(RGB_REASON)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 1, 4, 1)
        row.setSpacing(4)
        row.addWidget(self.check)
        row.addWidget(self.colour)
        row.addWidget(self.name, 1)
        self.check.clicked.connect(self.toggled)
        self.colour.chosen.connect(self.coloured)

    def show_display(self, display: ChannelDisplay) -> None:
        """Show the settings of the channel."""
        self.check.setChecked(display.visible)
        self.colour.show_colour(display.colour)

    def set_chosen(self, chosen: bool) -> None:
        """Mark the row as the one whose contrast is shown."""
        self.setProperty("chosen", chosen)
        # Qt applies a style sheet with properties again only if it is told to.
        self.style().unpolish(self)
        self.style().polish(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Choose the channel whose controls the keyboard reaches; Qt calls this."""
        if event.type() == QEvent.Type.FocusIn:
            self.pressed.emit()
        return bool(super().eventFilter(watched, event))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the channel; Qt calls this."""
        self.pressed.emit()
        event.accept()


class ChannelList(QWidget):
    """The rows of all channels, one of which is chosen."""

    toggled = Signal(int, bool)
    coloured = Signal(int, object)  # channel, Colour
    chosen_changed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[ChannelRow] = []
        self.chosen = 0
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)

    @property
    def controls(self) -> list[QWidget]:
        """What takes the keyboard, from top to bottom."""
        return [part for row in self.rows for part in (row.check, row.colour)]

    def set_channels(self, names: Sequence[str], rgb: bool) -> None:
        """Show rows for other channels, and choose the first."""
        for row in self.rows:
            self._column.removeWidget(row)
            row.deleteLater()
        self.rows = [ChannelRow(name, rgb) for name in names]
        for channel, row in enumerate(self.rows):
            self._column.addWidget(row)
            self._connect(channel, row)
        self.choose(0)

    def show_displays(self, displays: Sequence[ChannelDisplay]) -> None:
        """Show the settings of all channels."""
        for row, display in zip(self.rows, displays, strict=True):
            row.show_display(display)

    def choose(self, channel: int) -> None:
        """Choose a channel."""
        self.chosen = channel
        for n, row in enumerate(self.rows):
            # The only channel of an image need not be marked.
            row.set_chosen(n == channel and len(self.rows) > 1)
        self.chosen_changed.emit(channel)

    def _connect(self, channel: int, row: ChannelRow) -> None:
        def on_coloured(colour: Colour) -> None:
            self.coloured.emit(channel, colour)

        row.toggled.connect(lambda on: self.toggled.emit(channel, on))
        row.coloured.connect(on_coloured)
        row.pressed.connect(lambda: self.choose(channel))
