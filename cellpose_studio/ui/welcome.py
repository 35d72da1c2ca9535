"""What an empty canvas says."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget


class Welcome(QWidget):
    """Lies over ``canvas`` as long as there is no image."""

    sample_wanted = Signal()

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self._canvas = canvas
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
        canvas.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Stay as large as the canvas."""
        if event.type() == QEvent.Type.Resize:
            self.resize(self._canvas.size())
        return False
