"""The Segment tab: model, parameters, Run, and the result."""

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
    """Shows model, parameters and result of the segmentation of an image."""

    run_requested = Signal()
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
            "<qt>Save the model and the parameters as a preset, to use them for other "
            "images. Presets are saved in the project.</qt>"
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
        self.model.changed.connect(self._show_run_target)
        self.parameters.run_requested.connect(self.run_requested)
        self.result.changed.connect(self.thresholds_changed)
        self.result.released.connect(self.thresholds_released)
        self.show_image(None)

    def show_image(self, image: ProjectImage | None) -> None:
        """Show the parameters that apply to an image, and its result."""
        self._image = image.source if image else None
        self.model.set_image(self._image)
        self.parameters.set_image(self._image)
        self.show_labels(image.masks if image else None)
        self._show_run_target()

    def show_labels(self, labels: LabelSet | None) -> None:
        """Show the masks of the image as the result."""
        self.result.show_labels(labels)

    def run_request(self) -> tuple[ModelSpec, SegmentationParameters] | None:
        """Return model and parameters for the image shown; None if one is missing."""
        if self._image is None or self.model.model is None:
            return None
        parameters = self.parameters.parameters(
            self._image, self.model.chosen_channels, self.result.values()
        )
        return self.model.model, parameters

    def run_request_for(
        self, image: ImageSource
    ) -> tuple[ModelSpec, SegmentationParameters] | None:
        """Return model and parameters for another image; None without a model.

        Channels are chosen by that image, unless the user chose other ones.
        """
        if self.model.model is None:
            return None
        parameters = self.parameters.parameters(
            image, self.model.channels_for_others, self.result.values()
        )
        return self.model.model, parameters

    def set_count(self, count: int | None) -> None:
        """Set the number of images of the scope; None for the image shown."""
        self._count = count
        self._show_run_target()

    def show_parameters(self, model: str, parameters: SegmentationParameters) -> str:
        """Show the model and the parameters of a run in the panel.

        Parameters
        ----------
        model
            A name, the path of a weight file, or its SHA-256.

        Returns
        -------
        Sentences on values that could not be shown; "" if all could.
        """
        missing = []
        if not self.model.choose(model):
            missing.append(f"{_model_name(model)} is not in the list of models.")
        missing.append(self.model.show_channels(parameters.channels))
        self.parameters.show_parameters(parameters, self._image)
        self.result.set_values(parameters)
        if self._image and parameters.do_3D and self._image.planes == 1:
            missing.append(f"{self._image.name} has one plane, so 3D is off.")
        return " ".join([*filter(None, missing), *self._out_of_range(parameters)])

    def _out_of_range(self, parameters: SegmentationParameters) -> list[str]:
        """Return a sentence for each value that its field cannot show."""
        fields = SegmentationParameters.model_fields
        shown = {
            **self.parameters.main.values(),
            **self.parameters.advanced.values(),
            **self.result.values(),
        }
        return [
            f"{fields[name].title} was set to {value:g} instead of {requested:g}."
            for name, value in shown.items()
            if (requested := getattr(parameters, name)) != value
        ]

    def _show_run_target(self) -> None:
        missing = ""
        if self.model.model is None:
            missing = "Add a model first."
        elif self._image is None:
            missing = "Open an image first."
        elif self._count == 0:
            missing = "No image matches this scope. Choose another one next to Run."
        what = self._image.name if self._image else ""
        if self._count is not None:
            what = image_count(self._count)
        self.parameters.set_runnable(what, missing)


class _Group(QGroupBox):
    """Group box with a button at the right end of its title."""

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
        """Move the button to the corner; layouts cannot place it on the title."""
        super().resizeEvent(event)
        if self._corner is not None:
            self._corner.adjustSize()
            self._corner.move(self.width() - self._corner.width() - _INDENT, 0)


def _model_name(model: str) -> str:
    """Return a name for a model that is not in the list."""
    if re.fullmatch("[0-9a-f]{64}", model):
        return f"The model with the SHA-256 {model[:12]}…"
    return f"The model {Path(model).name}"
