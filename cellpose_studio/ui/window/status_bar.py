"""The status bar of the window."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qtpy.QtWidgets import QLabel, QStatusBar

from cellpose_studio.app.settings import Settings


class StatusBar:
    """Shows position and cell under the pointer, device, and time of the last save."""

    def __init__(self, bar: QStatusBar) -> None:
        self.position = QLabel(objectName="position")
        self.cell = QLabel(objectName="cell")
        self.device = QLabel("CPU", objectName="device")
        self.saved = QLabel("", objectName="saved")
        bar.addWidget(self.position, 1)
        bar.addWidget(self.cell)
        bar.addPermanentWidget(self.device)
        bar.addPermanentWidget(self.saved)


def show_device(
    devices: Mapping[str, str], settings: Settings, *shows: Callable[[str], object]
) -> None:
    """Show which device runs use, now and when another one is chosen.

    Parameters
    ----------
    devices
        Titles by torch's names, the fastest first.
    shows
        Called with the title.
    """

    def show() -> None:
        # Without the one that was chosen, runs use the fastest.
        title = devices.get(settings.device, next(iter(devices.values())))
        for each in shows:
            each(title)

    settings.events.device.connect(show)
    show()
