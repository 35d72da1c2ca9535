"""Start page, shown while the project has no image."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from cellpose_studio.app.project.scratch import UnsavedProject

_MOST_OFFERS = 3


class Welcome(QWidget):
    """Takes the place of the canvas while no image is shown."""

    sample_requested = Signal()
    project_requested = Signal(object)  # path of the project

    def __init__(self) -> None:
        super().__init__()
        text = QLabel("Drop images or a folder here,\nor open the sample.")
        text.setObjectName("welcome")
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.button = QPushButton("Open the sample", objectName="openSample")
        # Created by `offer`, once the search on a worker thread has ended.
        self.offers: list[QPushButton] = []
        self._offered = QVBoxLayout()
        self._about = QLabel("Recover unsaved projects:", objectName="offers")
        self._about.hide()
        centre = Qt.AlignmentFlag.AlignCenter
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addStretch(2)
        column.addWidget(text)
        column.addWidget(self.button, 0, centre)
        column.addStretch(1)
        column.addWidget(self._about, 0, centre)
        column.addLayout(self._offered)
        column.addStretch(1)
        self.button.clicked.connect(self.sample_requested)

    def offer(self, projects: Sequence[UnsavedProject]) -> None:
        """Offer the newest of the unsaved projects."""
        for button in self.offers:
            self._offered.removeWidget(button)
            button.deleteLater()
        self.offers = [self._button(project) for project in projects[:_MOST_OFFERS]]
        for button in self.offers:
            self._offered.addWidget(button, 0, Qt.AlignmentFlag.AlignCenter)
        self._about.setVisible(bool(self.offers))

    def _button(self, project: UnsavedProject) -> QPushButton:
        images = "1 image" if project.images == 1 else f"{project.images} images"
        button = QPushButton(f"Recover {images} of {project.changed:%d %b, %H:%M}")
        button.setToolTip(str(project.path))
        button.clicked.connect(lambda: self.project_requested.emit(project.path))
        return button
