"""What an empty window says."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget


class Welcome(QWidget):
    """Stands where the canvas will be as long as there is no image."""

    sample_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        text = QLabel("Drop images or a folder here,\nor open the sample.")
        text.setObjectName("welcome")
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.button = QPushButton("Open the sample", objectName="openSample")
        column = QVBoxLayout(self)
        column.addStretch(1)
        column.addWidget(text)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignCenter)
        column.addStretch(1)
        self.button.clicked.connect(self.sample_wanted)
