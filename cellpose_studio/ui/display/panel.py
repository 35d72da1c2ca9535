"""The image display box."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QAbstractButton,
    QFrame,
    QHBoxLayout,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.core.display.channel_display import (
    ChannelDisplay,
    replace_display,
    reset,
)
from cellpose_studio.core.images.image import Colour
from cellpose_studio.ui.canvas import Canvas
from cellpose_studio.ui.commands.command import Command, QAction
from cellpose_studio.ui.display.cell_colouring import CellColouring
from cellpose_studio.ui.display.cell_text.provider import CellTextProvider
from cellpose_studio.ui.display.channel_list import RGB_REASON, ChannelList
from cellpose_studio.ui.display.contrast_editor import ContrastEditor
from cellpose_studio.ui.display.following import follow, tool_button
from cellpose_studio.ui.display.mask_display import MaskDisplay
from cellpose_studio.ui.display.memory import DisplayMemory
from cellpose_studio.ui.display.picture_choice import PictureChoice
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.widgets.vertical_scroll import VerticalScroll

_KEYS = 9
"""Channels that have a key."""
_ADAPTING = "Adapting the contrast"


class DisplayPanel(VerticalScroll):
    """Shows and changes how the image is shown.

    Attributes
    ----------
    memory
        The settings of images that the user has changed.
    """

    changed = Signal()  # the channels, or their settings

    def __init__(
        self,
        services: Services,
        canvas: Canvas,
        texts: CellTextProvider,
        colouring: CellColouring,
    ) -> None:
        super().__init__("imageDisplay")
        self._services = services
        self._session = services.session
        self._channels = canvas.channels
        self.memory = DisplayMemory()
        self.list = ChannelList()
        self.contrast = ContrastEditor()
        self.masks = MaskDisplay(canvas.masks, texts, colouring, services.settings)
        self._view = {
            "home": tool_button("Fit", False),
            "ortho": tool_button("Side views", True),
            "rendering": tool_button("3D", True),
        }
        self.picture = PictureChoice(services.session, canvas.picture)
        canvas.rendering.changed.connect(self.masks.set_in_3d)
        canvas.rendering.changed.connect(self.picture.set_in_3d)
        self._lay_out()
        self._connect()
        self._on_replaced()

    @property
    def buttons(self) -> Mapping[str, QAbstractButton]:
        """Switches and buttons by the names of their commands."""
        contrast = {
            "autoContrast": self.contrast.auto,
            "resetContrast": self.contrast.reset,
        }
        return {**self._view, **contrast, **self.masks.buttons}

    def follow(self, actions: Mapping[str, QAction]) -> None:
        """Let switches and buttons act as the commands of the menus."""
        self.masks.follow(actions)
        follow(self._view, actions)

    def commands(self) -> list[Command | None]:
        """Return the commands for the menu of the channels."""
        return [
            *(self._switch(channel) for channel in range(_KEYS)),
            None,
            Command(
                "autoContrast",
                "&Adapt contrast",
                self.set_auto,
                key="Shift+C",
                tip="Adapt the contrast of the channel to the plane that is shown.",
                reason_disabled=self._reason_no_contrast,
            ),
            Command(
                "resetContrast",
                "&Reset contrast",
                self.reset,
                tip="Show all values of the channel as they are, with a gamma of 1.",
                reason_disabled=self._reason_no_contrast,
            ),
        ]

    def set_visible(self, channel: int, on: bool) -> None:
        """Show or hide a channel."""
        if channel < len(self._channels):
            self._change(channel, visible=on)

    def reset(self) -> None:
        """Show all values of the chosen channel, with a gamma of 1."""
        channel = self.list.chosen
        values = self._channels.values(channel)
        if values is not None:
            now = self._channels.display(channel)
            self._channels.show(channel, reset(now, values))

    def set_auto(self) -> None:
        """Adapt the contrast of the chosen channel to the plane that is shown."""
        channel = self.list.chosen
        try:
            limits = self._channels.auto_limits(channel)
        # Pixels are read only now, so a missing or damaged file shows up here.
        except Exception as error:
            self._services.show_error(error, _ADAPTING)
        else:
            self._services.messages.settle(_ADAPTING)
            self._change(channel, limits=limits, gamma=1.0)

    def _lay_out(self) -> None:
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(4, 4, 4, 4)
        column.setSpacing(4)
        column.addWidget(self.list)
        column.addWidget(self.contrast)
        column.addWidget(_line())
        column.addWidget(self.masks)
        self.masks.add_row("Show", self.picture.box)
        column.addWidget(_line())
        view = QHBoxLayout()
        view.setSpacing(4)
        for button in self._view.values():
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            view.addWidget(button)
        column.addLayout(view)
        column.addStretch(1)
        # The box scrolls: the channels of some images would fill the column.
        self.setWidget(content)

    def _connect(self) -> None:
        self._channels.replaced.connect(self._on_replaced)
        self._channels.changed.connect(self._on_changed)
        self._channels.changed.connect(self._keep)
        self._session.project_changed.connect(self.memory.forget)
        self.list.toggled.connect(self.set_visible)
        self.list.coloured.connect(self._on_coloured)
        self.list.chosen_changed.connect(lambda _: self._on_changed())
        self.contrast.changed.connect(self._on_edited)
        self.contrast.auto.clicked.connect(lambda _=False: self.set_auto())
        self.contrast.reset.clicked.connect(lambda _=False: self.reset())

    def _on_replaced(self) -> None:
        names = self._channels.names if len(self._channels) else ()
        self.list.set_channels(names, self._channels.rgb)
        if self.list.rows:
            self._set_tab_order()
        self.picture.update()
        image = self._session.shown
        if image is not None:
            kept = self.memory.of(image.id, len(self._channels))
            for channel, display in enumerate(kept):
                self._channels.show(channel, display)

    def _set_tab_order(self) -> None:
        """Let the Tab key go from top to bottom; new rows would come last."""
        below = [*self.masks.controls, self.picture.box, *self._view.values()]
        order = [*self.list.controls, *self.contrast.controls, *below]
        for one, following in pairwise(order):
            self.setTabOrder(one, following)

    def _keep(self) -> None:
        image = self._session.shown
        if image is not None and len(self._channels):
            self.memory.keep(image.id, self._channels.displays())

    def _on_changed(self) -> None:
        displays = self._channels.displays()
        self.list.show_displays(displays)
        chosen = self.list.chosen
        if chosen < len(displays):
            values = self._channels.values(chosen)
            self.contrast.show_channel(displays[chosen], values)
        else:
            self.contrast.show_channel(ChannelDisplay(), None)
        self.changed.emit()

    def _on_coloured(self, channel: int, colour: Colour) -> None:
        self._change(channel, colour=colour)

    def _on_edited(self, display: ChannelDisplay) -> None:
        self._channels.show(self.list.chosen, display)

    def _switch(self, channel: int) -> Command:
        """Return the command that shows or hides a channel."""
        number, channels = channel + 1, self._channels

        def name() -> str:
            names = channels.names if channel < len(channels) else ()
            # Qt takes an ampersand for the mark of a mnemonic.
            return names[channel].replace("&", "&&") if names else ""

        return Command(
            f"channel{number}",
            f"Channel &{number}",
            lambda on: self.set_visible(channel, on),
            key=f"Shift+{number}",
            detail=name,
            reason_disabled=lambda: (
                "" if channel < len(channels) else f"There is no channel {number}."
            ),
            checked=lambda: (
                channel < len(channels) and channels.display(channel).visible
            ),
        )

    def _reason_no_contrast(self) -> str:
        if not len(self._channels):
            return "There is no image."
        return RGB_REASON if self._channels.rgb else ""

    def _change(self, channel: int, **changes: object) -> None:
        now = self._channels.display(channel)
        self._channels.show(channel, replace_display(now, **changes))


def _line() -> QFrame:
    line = QFrame(objectName="displayLine")
    line.setFixedHeight(1)
    return line
