"""The tab on the right: model, parameters, Run, and the live result."""

from __future__ import annotations

import re
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import (
    QGroupBox,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.ui.segment.model_picker import ModelPanel
from cellpose_studio.ui.segment.parameters import ParameterPanel
from cellpose_studio.ui.segment.thresholds import ResultPanel
from cellpose_studio.ui.widgets.wording import image_count

_INDENT = 8


class SegmentPanel(QScrollArea):
    """Everything about segmenting the image that is shown."""

    run_wanted = Signal()
    thresholds_changed = Signal()
    thresholds_released = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.model = ModelPanel()
        self.parameters = ParameterPanel()
        self.result = ResultPanel()
        self.presets = QToolButton(objectName="presets", text="Presets ▾")
        self.presets.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.presets.setToolTip(
            "<qt>Keep the model and the parameters under a name, to use them on other "
            "images. They are part of the project.</qt>"
        )
        self._image: ImageSource | None = None
        self._count: int | None = None
        page = QWidget()
        column = QVBoxLayout(page)
        column.addWidget(_Group("Model", self.model, self.presets))
        column.addWidget(_Group("Parameters", self.parameters))
        column.addWidget(self.result)
        column.addStretch(1)
        self.setWidget(page)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(330)
        self.model.changed.connect(self._say_what_runs)
        self.parameters.run_wanted.connect(self.run_wanted)
        self.result.changed.connect(self.thresholds_changed)
        self.result.released.connect(self.thresholds_released)
        self.show_entry(None)

    def show_entry(self, image: ProjectImage | None) -> None:
        """Show what applies to an image, and its result."""
        self._image = image.source if image else None
        self.model.set_image(self._image)
        self.parameters.set_image(self._image)
        self.show_labels(image.masks if image else None)
        self._say_what_runs()

    def show_labels(self, labels: LabelSet | None) -> None:
        """Show the result of the image."""
        self.result.show_labels(labels)

    def wanted(self) -> tuple[ModelSpec, SegmentationParameters] | None:
        """Return what to run on the image shown; None while something is missing."""
        if self._image is None or self.model.model is None:
            return None
        parameters = self.parameters.parameters(
            self._image, self.model.chosen_channels, self.result.values()
        )
        return self.model.model, parameters

    def wanted_for(
        self, image: ImageSource
    ) -> tuple[ModelSpec, SegmentationParameters] | None:
        """Return what to run on another image; None while something is missing.

        Its channels are chosen by that image, unless the user chose others here.
        """
        if self.model.model is None:
            return None
        parameters = self.parameters.parameters(
            image, self.model.channels_for_others, self.result.values()
        )
        return self.model.model, parameters

    def set_count(self, count: int | None) -> None:
        """Say how many images Run runs on; None: on the one that is shown."""
        self._count = count
        self._say_what_runs()

    def show_parameters(self, model: str, parameters: SegmentationParameters) -> str:
        """Put the model and the parameters of a run into the panel.

        Parameters
        ----------
        model
            A name, the path of a weight file, or its SHA-256.

        Returns
        -------
        What could not be put back, in sentences; empty if all could.
        """
        missing = []
        if not self.model.choose(model):
            missing.append(f"{_model_words(model)} is not among the models here.")
        missing.append(self.model.show_channels(parameters.channels))
        self.parameters.show_parameters(parameters, self._image)
        self.result.set_values(parameters)
        if self._image and parameters.do_3D and self._image.planes == 1:
            missing.append(f"{self._image.name} has one plane, so 3D is off.")
        return " ".join([*filter(None, missing), *self._out_of_range(parameters)])

    def _out_of_range(self, parameters: SegmentationParameters) -> list[str]:
        """Return sentences on what the fields cannot show as it is."""
        fields = SegmentationParameters.model_fields
        shown = {
            **self.parameters.main.values(),
            **self.parameters.advanced.values(),
            **self.result.values(),
        }
        return [
            f"{fields[name].title} can only be {value:g} here, not {wanted:g}."
            for name, value in shown.items()
            if (wanted := getattr(parameters, name)) != value
        ]

    def _say_what_runs(self) -> None:
        missing = ""
        if self.model.model is None:
            missing = "Add a model first."
        elif self._image is None:
            missing = "Open an image first."
        elif self._count == 0:
            missing = "There is no such image. Choose another scope beside Run."
        what = self._image.name if self._image else ""
        if self._count is not None:
            what = image_count(self._count)
        self.parameters.set_runnable(what, missing)


class _Group(QGroupBox):
    """``content`` under a title, with a button at the right end of its line."""

    def __init__(
        self, title: str, content: QWidget, corner: QToolButton | None = None
    ) -> None:
        super().__init__(title)
        self._corner = corner
        column = QVBoxLayout(self)
        column.addWidget(content)
        if corner is not None:
            corner.setParent(self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the button in its corner."""
        super().resizeEvent(event)
        if self._corner is not None:
            self._corner.adjustSize()
            self._corner.move(self.width() - self._corner.width() - _INDENT, 0)


def _model_words(model: str) -> str:
    """Return what to call a model of which only that is known."""
    if re.fullmatch("[0-9a-f]{64}", model):
        return f"The model with the SHA-256 {model[:12]}…"
    return f"The model {Path(model).name}"
