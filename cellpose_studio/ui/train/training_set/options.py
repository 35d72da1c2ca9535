"""What is left out of the training set, and what is said of the image shown."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.images.training_set import TrainingSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.review.training_marks import LeaveOut, PlaneAxes, Slices

_LEFT_OUT = (
    (
        "border",
        "Cells at the border",
        "Ignore cells that the edge of the image, or of the crop, may cut.",
    ),
    (
        "rejected",
        "Rejected cells",
        "Ignore cells that you rejected, and those to be fixed later.",
    ),
    (
        "uncertain",
        "Uncertain cells",
        "Ignore cells with an uncertainty of 0.5 or more, unless you accepted, drew or "
        "edited them.",
    ),
    (
        "unreviewed",
        "Cells not reviewed",
        "Train only on cells that you accepted, drew or edited.",
    ),
)
_AXES: tuple[tuple[PlaneAxes, str], ...] = (
    ("YX", "Planes as they were recorded."),
    ("ZY", "Cuts along Z and Y, with rows added so that pixels are square."),
    ("ZX", "Cuts along Z and X, with rows added so that pixels are square."),
)


class LeaveOutForm(QWidget):
    """Sets what is left out of all images."""

    def __init__(self, training: TrainingSet) -> None:
        super().__init__()
        self._training = training
        self.boxes: dict[str, QCheckBox] = {}
        column = QVBoxLayout(self)
        column.setSpacing(2)
        rows = [QHBoxLayout(), QHBoxLayout()]
        for n, (name, text, tip) in enumerate(_LEFT_OUT):
            box = QCheckBox(text, objectName=f"leaveOut_{name}")
            box.setToolTip(f"{tip} Neither the training nor a score counts them.")
            box.toggled.connect(self._on_change)
            self.boxes[name] = box
            rows[n // 2].addWidget(box, 1)
        for row in rows:
            column.addLayout(row)
        self.fewest = QSpinBox(minimum=1, maximum=1000, objectName="fewestCells")
        self.fewest.setToolTip(
            "Leave out images and crops for training with fewer cells: they teach "
            "little. Cellpose's default is 5."
        )
        self.fewest.setAccessibleName("Fewest cells of an image")
        self.fewest.setKeyboardTracking(False)
        self.fewest.valueChanged.connect(self._on_change)
        form = QFormLayout()
        form.addRow("Images with fewer cells than", self.fewest)
        column.addLayout(form)
        training.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        options = self._training.options
        for name, box in self.boxes.items():
            box.blockSignals(True)
            box.setChecked(getattr(options, name))
            box.blockSignals(False)
        self.fewest.blockSignals(True)
        self.fewest.setValue(options.fewest_cells)
        self.fewest.blockSignals(False)

    def _on_change(self, _: object) -> None:
        values = {name: box.isChecked() for name, box in self.boxes.items()}
        options = LeaveOut(fewest_cells=self.fewest.value(), **values)
        self._training.set_options(options)


class ImageForm(QWidget):
    """Says how the image shown is annotated, and which slices of it are used."""

    def __init__(self, session: Session, training: TrainingSet) -> None:
        super().__init__()
        self._session = session
        self._training = training
        self.partly = QCheckBox("Only partly annotated", objectName="partlyAnnotated")
        self.partly.setToolTip(
            "Some cells of this image have no masks: what lies more than 3 px from a "
            "cell is not taken for background, but ignored."
        )
        self.partly.toggled.connect(self._on_partly)
        self.clear = QPushButton("Clear regions", objectName="clearUnannotated")
        self.clear.setToolTip(
            "Remove all regions of this image that are marked as not annotated."
        )
        self.clear.clicked.connect(self._clear)
        self.axes = {axes: QCheckBox(axes) for axes, _ in _AXES}
        for axes, tip in _AXES:
            self.axes[axes].setToolTip(f"Use slices in this direction. {tip}")
            self.axes[axes].toggled.connect(self._on_slices)
        self.every = QSpinBox(minimum=1, maximum=10_000, objectName="everySlice")
        self.every.setToolTip("Use one of this many slices; neighbours are alike.")
        self.every.setAccessibleName("One of this many slices")
        self.every.setKeyboardTracking(False)
        self.every.valueChanged.connect(self._on_slices)
        self.annotated = QCheckBox("with cells only", objectName="annotatedSlices")
        self.annotated.setToolTip("Use only slices that have cells.")
        self.annotated.toggled.connect(self._on_slices)
        self._lay_out()
        session.shown_changed.connect(self._on_image)
        session.masks_changed.connect(self._on_image)
        training.image_changed.connect(self._on_image)
        training.changed.connect(self._on_image)
        self._on_image()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setSpacing(2)
        first = QHBoxLayout()
        first.addWidget(self.partly, 1)
        first.addWidget(self.clear)
        column.addLayout(first)
        self.slices = QWidget()
        row = QHBoxLayout(self.slices)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("Slices"))
        for box in self.axes.values():
            row.addWidget(box)
        row.addWidget(QLabel("1 in"))
        row.addWidget(self.every)
        row.addWidget(self.annotated)
        column.addWidget(self.slices)

    def _on_image(self, *_: object) -> None:
        image = self._session.shown
        usable = image is not None and image.masks is not None
        self.setEnabled(usable)
        if image is None:
            return
        marks = self._training.said(image).marks
        widgets: Sequence[QWidget] = (
            *(self.partly, self.every, self.annotated),
            *self.axes.values(),
        )
        for widget in widgets:
            widget.blockSignals(True)
        self.partly.setChecked(marks.partly)
        self.every.setValue(marks.slices.every)
        self.annotated.setChecked(marks.slices.annotated)
        for axes, box in self.axes.items():
            box.setChecked(axes in marks.slices.axes)
            box.setVisible(axes == "YX" or image.source.planes > 1)
        for widget in widgets:
            widget.blockSignals(False)
        self.slices.setVisible(image.source.frames * image.source.planes > 1)
        regions = len(marks.unannotated) + bool(marks.unlabelled)
        self.clear.setEnabled(regions > 0)
        self.clear.setText(f"Clear regions ({regions})" if regions else "Clear regions")

    def _on_partly(self, on: bool) -> None:
        text = "Mark as partly annotated" if on else "Mark as annotated"
        self._change({"partly": on}, text)

    def _on_slices(self, _: object) -> None:
        # There is nothing to train on without a direction: the last one stays.
        chosen = tuple(axes for axes, box in self.axes.items() if box.isChecked())
        slices = Slices(
            axes=chosen or ("YX",),
            every=self.every.value(),
            annotated=self.annotated.isChecked(),
        )
        self._change({"slices": slices}, "Choose slices")
        self._on_image()

    def _clear(self) -> None:
        self._change({"unannotated": (), "unlabelled": ""}, "Clear regions")

    def _change(self, update: dict[str, object], text: str) -> None:
        image: ProjectImage | None = self._session.shown
        if image is not None:
            marks = self._training.said(image).marks.model_copy(update=update)
            self._training.set_marks(image, marks, text)
