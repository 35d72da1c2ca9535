"""The image display box."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from cellpose_studio.core.display.channel_display import (
    ChannelDisplay,
    Colour,
    replace_display,
)
from cellpose_studio.ui.canvas import Canvas
from cellpose_studio.ui.display.channel_list import ChannelList
from cellpose_studio.ui.display.contrast_editor import ContrastEditor
from cellpose_studio.ui.services import Services


class DisplayPanel(QScrollArea):
    """Shows and changes how the image is shown."""

    def __init__(self, services: Services, canvas: Canvas) -> None:
        super().__init__(objectName="imageDisplay")
        self._services = services
        self._channels = canvas.channels
        self.list = ChannelList()
        self.contrast = ContrastEditor()
        self._lay_out()
        self._connect()
        self._on_replaced()

    def set_visible(self, channel: int, on: bool) -> None:
        """Show or hide a channel."""
        self._change(channel, visible=on)

    def set_auto(self) -> None:
        """Adapt the contrast of the chosen channel to the plane that is shown."""
        channel = self.list.chosen
        try:
            limits = self._channels.auto_limits(channel)
        # Pixels are read only now, so a missing or damaged file shows up here.
        except Exception as error:
            self._services.show_error(error)
        else:
            self._change(channel, limits=limits, gamma=1.0)

    def _lay_out(self) -> None:
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(4, 4, 4, 4)
        column.setSpacing(4)
        column.addWidget(self.list)
        column.addWidget(self.contrast)
        column.addStretch(1)
        # The box scrolls: the channels of some images would fill the column.
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(content)

    def _connect(self) -> None:
        self._channels.replaced.connect(self._on_replaced)
        self._channels.changed.connect(self._on_changed)
        self.list.toggled.connect(self.set_visible)
        self.list.coloured.connect(self._on_coloured)
        self.list.chosen_changed.connect(lambda _: self._on_changed())
        self.contrast.changed.connect(self._on_edited)
        self.contrast.auto_requested.connect(self.set_auto)

    def _on_replaced(self) -> None:
        names = self._channels.names if len(self._channels) else ()
        self.list.set_channels(names, self._channels.rgb)

    def _on_changed(self) -> None:
        displays = self._channels.displays()
        self.list.show_displays(displays)
        chosen = self.list.chosen
        if chosen < len(displays):
            values = self._channels.values(chosen)
            self.contrast.show_channel(displays[chosen], values)
        else:
            self.contrast.show_channel(ChannelDisplay(), None)

    def _on_coloured(self, channel: int, colour: Colour) -> None:
        self._change(channel, colour=colour)

    def _on_edited(self, display: ChannelDisplay) -> None:
        self._channels.show(self.list.chosen, display)

    def _change(self, channel: int, **changes: object) -> None:
        now = self._channels.display(channel)
        self._channels.show(channel, replace_display(now, **changes))
