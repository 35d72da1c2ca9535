"""The status bar of the window."""

from __future__ import annotations

from qtpy.QtWidgets import QLabel, QStatusBar


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
