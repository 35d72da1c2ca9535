"""What is evaluated: masks, images, and which cells count."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QWidget,
)

from cellpose_studio.core.matching.evaluation.evaluate import EvaluationOptions
from cellpose_studio.ui.widgets.form import keep_narrow
from cellpose_studio.workflows.evaluation.choice import RUN, MasksChoice, Sides

THIS_IMAGE, ALL_IMAGES = "image", "all"
_NONE = "nothing"


class EvaluationForm(QWidget):
    """Choices of masks A, B and of those they are compared with."""

    requested = Signal()
    export_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.found = _choice(
            "evaluateFound",
            "Masks A",
            "Choose the masks to evaluate: those before the corrections, a run of a "
            "model, another revision.",
        )
        self.second = _choice(
            "evaluateSecond",
            "Masks B",
            "Choose other masks to evaluate beside A, to compare two models or two "
            "settings.",
        )
        self.true = _choice(
            "evaluateTrue",
            "True masks",
            "Choose the masks to compare with. Cells that you rejected are no true "
            "ones; those to be fixed later, and regions marked as not annotated, do "
            "not count. If neither is true, the scores are the agreement of both.",
        )
        self.ignore = _choice(
            "evaluateIgnore",
            "Ignored regions",
            "Choose masks that cover what nobody has annotated: cells mostly inside do "
            "not count.",
        )
        self.scope = QComboBox(objectName="evaluateScope")
        self.scope.setAccessibleName("Images to evaluate")
        self.scope.setToolTip("Choose the images to evaluate.")
        self.scope.addItem("This image", THIS_IMAGE)
        self.scope.addItem("All images", ALL_IMAGES)
        self.border = QCheckBox("No border cells", objectName="evaluateBorder")
        self.border.setToolTip(
            "Leave out cells that touch the border of the image, true and found ones."
        )
        self.radius = QDoubleSpinBox(objectName="evaluateRadius")
        self.radius.setRange(0.5, 100)
        self.radius.setSingleStep(0.5)
        self.radius.setDecimals(1)
        self.radius.setValue(2)
        self.radius.setPrefix("± ")
        self.radius.setSuffix(" px")
        self.radius.setAccessibleName("Boundary tolerance")
        self.radius.setToolTip(
            "How far from an outline a pixel is near it, for the boundary F-score. "
            "Larger is more tolerant."
        )
        self.evaluate = QPushButton("Evaluate", objectName="evaluate")
        self.export = QPushButton("Export…", objectName="evaluateExport")
        self.export.setToolTip(
            "Write the scores, the wrong cells and the classes as CSV or JSON."
        )
        self._lay_out()
        self.evaluate.clicked.connect(self.requested)
        self.export.clicked.connect(self.export_requested)
        self.offer([])

    @property
    def sides(self) -> list[Sides]:
        """What is compared with what: A, and B if it is chosen."""
        true, ignore = self.true.currentData(), self.ignore.currentData()
        chosen = [self.found.currentData(), self.second.currentData()]
        name = ignore.name if ignore is not None else ""
        return [
            Sides(found=one, true=true, ignore=name)
            for one in chosen
            if one is not None and true is not None
        ]

    @property
    def of_all(self) -> bool:
        """Whether all images are evaluated, not the one that is shown."""
        return bool(self.scope.currentData() == ALL_IMAGES)

    def options(self) -> EvaluationOptions:
        """Return what is computed."""
        return EvaluationOptions(
            boundary=self.radius.value(),
            without_border=self.border.isChecked(),
            with_errors=True,
        )

    def offer(
        self, choices: Sequence[tuple[str, MasksChoice]], active: str = "cells"
    ) -> None:
        """Offer masks; what is chosen stays if it is among them.

        At first these are the masks before the corrections, against those of today.
        """
        present = [(text, one) for text, one in choices if not one.version]
        _fill(self.found, choices, MasksChoice(active, RUN))
        _fill(self.true, choices, MasksChoice(active))
        _fill(self.second, [(_NONE, None), *choices], None)
        _fill(self.ignore, [(_NONE, None), *present], None)

    def set_enabled(self, reason: str) -> None:
        """Enable the button, or say why it is off."""
        self.evaluate.setEnabled(not reason)
        self.evaluate.setToolTip(
            reason or "Compare the masks, and list the cells that are wrong."
        )

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        form.addRow("Evaluate A", self.found)
        form.addRow("and B", self.second)
        form.addRow("Against", self.true)
        form.addRow("Ignore", self.ignore)
        row = QHBoxLayout()
        row.addWidget(self.scope, 1)
        row.addWidget(self.border)
        row.addWidget(self.radius)
        form.addRow("Of", row)
        buttons = QHBoxLayout()
        buttons.addWidget(self.evaluate, 1)
        buttons.addWidget(self.export)
        form.addRow(buttons)


def _choice(name: str, title: str, tip: str) -> QComboBox:
    box = QComboBox(objectName=name)
    box.setAccessibleName(title)
    box.setToolTip(f"<qt>{tip}</qt>")
    keep_narrow(box, 16)
    return box


def _fill(
    box: QComboBox,
    choices: Sequence[tuple[str, MasksChoice | None]],
    first: MasksChoice | None,
) -> None:
    before = box.currentData()
    there = [one for _, one in choices]
    with QSignalBlocker(box):
        box.clear()
        for text, one in choices:
            box.addItem(text, one)
        # Qt would compare the values by their identity.
        chosen = before if before in there else first
        box.setCurrentIndex(there.index(chosen) if chosen in there else 0)
