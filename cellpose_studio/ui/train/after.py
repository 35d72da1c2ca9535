"""What comes after a training: the verdict, and runs on the next images."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.training.next_images import NextImage
from cellpose_studio.core.models.card import ModelCard
from cellpose_studio.core.models.model import ModelSpec


class AfterTraining(QWidget):
    """Tells whether a new model is better, and runs it on images not reviewed yet."""

    run_requested = Signal()
    image_chosen = Signal(object)  # ProjectImage

    def __init__(self) -> None:
        super().__init__()
        self.verdict = QLabel(objectName="trainVerdict", wordWrap=True)
        self.verdict.setTextFormat(Qt.TextFormat.PlainText)
        self.run = QPushButton("Run on the next images", objectName="runNext")
        self.run.setToolTip(
            "<qt>Queue runs of the new model on all images that are neither reviewed "
            "nor in the training set, the most uncertain first, with the settings of "
            "the Segment tab. Accepted, drawn and edited cells are kept.</qt>"
        )
        # A long name of a model must not widen the panel.
        self.run.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.next = QListWidget(objectName="nextImages")
        self.next.setAccessibleName("Images to correct next")
        self.next.setToolTip(
            "<qt>Images to correct next, the most uncertain first. Press Enter, or "
            "click twice, to show one.</qt>"
        )
        self.next.setMaximumHeight(110)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.verdict, self.run, self.next):
            column.addWidget(widget)
        self.run.clicked.connect(self.run_requested.emit)
        self.next.itemActivated.connect(
            lambda item: self.image_chosen.emit(item.data(Qt.ItemDataRole.UserRole))
        )
        self.hide()

    def show_model(self, model: ModelSpec) -> None:
        """Tell what a training has come to."""
        name = model.label
        self.run.setText("Run the new model on the next images")
        self.run.setAccessibleName(f"Run {name} on the next images")
        self.verdict.setText(verdict(name, model.card or ModelCard()))
        self.show()

    def list_images(self, images: Sequence[NextImage]) -> None:
        """List the images that come next."""
        self.next.clear()
        for one in images:
            known = one.uncertainty
            text = "no result yet" if known is None else f"uncertainty {known:.2f}"
            item = QListWidgetItem(f"{one.image.source.name}: {text}")
            item.setData(Qt.ItemDataRole.UserRole, one.image)
            self.next.addItem(item)
        self.run.setEnabled(bool(images))

    @property
    def images(self) -> list[ProjectImage]:
        """The images that are listed."""
        items = (self.next.item(n) for n in range(self.next.count()))
        return [item.data(Qt.ItemDataRole.UserRole) for item in items]


def verdict(name: str, card: ModelCard) -> str:
    """Return in words whether a model is better than its parent."""
    comparison = card.comparison
    if comparison is None:
        if not any(point.validation_ap is not None for point in card.curve):
            doubt = "Without validation images, nobody knows whether it is better."
        else:
            doubt = "There is no model before it to compare it with."
        return f"{name} is ready. {doubt}"
    text = f"{name} is {comparison}."
    if comparison.doubtful:
        text += " The difference may be chance."
    if comparison.worse:
        text += " It is listed, but not chosen for runs."
    return text
