"""The Segment tab: model, parameters, Run, and the result."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict
from qtpy.QtCore import QTimer, Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import (
    QGroupBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.model import AUTOMATIC_MODEL, ModelSpec
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.core.runs.hints import NO_HINT, Hint, hint_for
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.wording import image_count
from cellpose_studio.ui.segment.models.model_picker import ModelPanel
from cellpose_studio.ui.segment.parameters.panel import ParameterPanel
from cellpose_studio.ui.segment.thresholds import ResultPanel, confidence_now
from cellpose_studio.ui.widgets.form import extra
from cellpose_studio.ui.widgets.vertical_scroll import VerticalScroll

_INDENT = 8  # px
_WIDTH = 330  # px
_DIAMETER = extra(SegmentationParameters.model_fields["diameter"])["automatic"]
"""Shown for the automatic diameter while none was measured, px."""


class PanelSettings(BaseModel):
    """What the panel shows: the hash of the model, the mode of stacks, parameters."""

    model_config = ConfigDict(frozen=True)

    model: str
    mode: str
    parameters: SegmentationParameters


class SegmentPanel(VerticalScroll):
    """Shows model, parameters and result of the segmentation of an image."""

    run_requested = Signal()
    thresholds_changed = Signal()
    thresholds_released = Signal()
    edited = Signal()  # by the user, for the image shown

    def __init__(self) -> None:
        super().__init__(least=_WIDTH)
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
        self._in_view = False
        self._labels: LabelSet | None = None
        self._measured: dict[str, float] = {}
        self._quiet = False
        self.model_missing = False
        page = QWidget()
        column = QVBoxLayout(page)
        column.addWidget(_Group("Model", self.model, self.presets))
        column.addWidget(_Group("Parameters", self.parameters))
        column.addWidget(self.result)
        column.addStretch(1)
        self.setWidget(page)
        self.model.changed.connect(self._show_run_target)
        self.parameters.run_requested.connect(self.run_requested)
        self.result.changed.connect(self.thresholds_changed)
        self.result.released.connect(self.thresholds_released)
        self.result.automatic_requested.connect(self._run_automatic)
        self._connect_fields()
        self.show_image(None)

    def _connect_fields(self) -> None:
        fields = self.parameters
        self.model.changed.connect(self._on_field)
        fields.mode.currentIndexChanged.connect(self._on_field)
        for form in (fields.main, fields.stack, fields.normalization, fields.advanced):
            form.changed.connect(self._on_field)
        fields.preparation.changed.connect(self._on_steps)
        fields.preparation.checked.connect(self._show_steps)
        self.result.changed.connect(self._on_threshold)

    def show_image(self, image: ProjectImage | None) -> None:
        """Show the parameters that apply to an image, and its result."""
        self._image = image.source if image else None
        with self._silent():
            self._set_missing(None)
            self.parameters.set_image(self._image)
            self.model.set_image(self.parameters.preparation.prepared)
        self._show_labels(image.masks if image else None)
        self._show_run_target()

    def show_labels(self, labels: LabelSet | None) -> None:
        """Show the masks of the image as the result; of a run, come to its hint."""
        before = self._labels
        self._show_labels(labels)
        run = labels.run if labels else None
        if run is not None and (before is None or before.run != run):
            # The place of the hint is known once it has been laid out.
            QTimer.singleShot(0, self._come_to_hint)

    def _come_to_hint(self) -> None:
        if self.result.hint.isVisibleTo(self):
            self.ensureWidgetVisible(self.result.automatic)
            self.ensureWidgetVisible(self.result.hint)

    def _run_automatic(self) -> None:
        if self.model.choose(AUTOMATIC_MODEL):
            self.run_requested.emit()

    def _show_labels(self, labels: LabelSet | None) -> None:
        self._labels = labels
        confidence = confidence_now(labels) if labels else None
        hint = self._hint(labels, confidence) if labels and confidence else NO_HINT
        self.result.show_labels(labels, confidence, hint)
        record = labels.record if labels else None
        if self._image is not None and record is not None and record.measured_diameter:
            region = record.parameters.region
            # A run for one cell has measured that one, not those of the image.
            if region is None or region.cell_at is None:
                self._measured[self._image.key] = record.measured_diameter
        self._suggest_diameter()

    def show_masks(self, labels: LabelSet) -> None:
        """Show the model, the stack mode and the parameters that masks were made with.

        What was automatic is automatic again.
        """
        record, image = labels.record, self._image
        if record is None or image is None:
            return
        automatic = record.automatic or ()
        fields = [name for name in automatic if name != "model"]
        parameters = labels.parameters.automatic_again(fields)
        mode = self.parameters.mode_key
        with self._silent():
            found = self.model.choose(record.model.sha256)
            self._set_missing(None if found else record.model.title)
            if "model" in automatic and self.model.choose(AUTOMATIC_MODEL):
                self.model.set_note(f"{record.model.title} was chosen for this image.")
            self.parameters.show_parameters(parameters, image)
            self.model.show_channels(parameters.channels)
            if image.planes == 1:
                # A single plane says nothing about stacks.
                self.parameters.set_mode(mode)
        self._suggest_diameter()

    def settings(self) -> PanelSettings | None:
        """Return what the panel shows; None without a model."""
        if self.model.model is None:
            return None
        return PanelSettings(
            model=self.model.model.sha256,
            mode=self.parameters.mode_key,
            parameters=self.parameters.chosen(self.result.values()),
        )

    def show_settings(self, settings: PanelSettings) -> None:
        """Show settings again; channels are those of the image."""
        with self._silent():
            self._set_missing(None)
            self.model.choose(settings.model)
            self.parameters.show_parameters(settings.parameters, self._image)
            self.parameters.set_mode(settings.mode)
            if self._labels is None:
                self.result.set_values(settings.parameters)
        self._suggest_diameter()

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

    @property
    def contrast(self) -> Literal["image", "region"]:
        """Whose percentiles scale the intensities in a run on a region."""
        return "region" if self.parameters.own_contrast.isChecked() else "image"

    def set_count(self, count: int | None, in_view: bool = False) -> None:
        """Set the number of images of the scope; None for the image shown.

        With ``in_view``, it is what is in view of that.
        """
        self._count, self._in_view = count, in_view
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
        with self._silent():
            if not self.model.choose(model):
                missing.append(f"{_model_name(model)} is not in the list of models.")
            self.parameters.show_parameters(parameters, self._image)
            missing.append(self.model.show_channels(parameters.channels))
            self.result.set_values(parameters)
        self._on_field()
        if self._image and parameters.do_3D and self._image.planes == 1:
            missing.append(f"{self._image.name} has one plane, so 3D is off.")
        return " ".join([*filter(None, missing), *self._out_of_range(parameters)])

    @contextmanager
    def _silent(self) -> Iterator[None]:
        """Set fields without the user."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def _on_field(self) -> None:
        if not self._quiet and self._image is not None:
            self._set_missing(None)
            self._suggest_diameter()
            self.edited.emit()

    def _on_steps(self) -> None:
        self._show_steps()
        self._on_field()

    def _show_steps(self) -> None:
        # Steps may add channels that the network can see.
        self.model.set_image(self.parameters.preparation.prepared)
        self._show_run_target()

    def _on_threshold(self) -> None:
        # Thresholds of masks act on them at once, and are recorded with them.
        if self._labels is None:
            self._on_field()

    def _set_missing(self, title: str | None) -> None:
        """Note that the model of the masks is not listed; None: nothing is missing."""
        self.model_missing = title is not None
        note = f"These masks were made with {title}, which is not in this list."
        self.model.set_note(note if title is not None else "")

    def _suggest_diameter(self) -> None:
        """Show what the automatic diameter was for this image."""
        known = self._measured.get(self._image.key) if self._image else None
        self.parameters.main.suggest("diameter", known or _DIAMETER)

    def _hint(self, labels: LabelSet, confidence: Confidence) -> Hint:
        """Return what to try for better masks."""
        # What a run on a region left out says little about the whole image.
        if labels.record is None or labels.record.parameters.region is not None:
            return NO_HINT
        record, models = labels.record, self.model.models
        model = next((m for m in models if m.sha256 == record.model.sha256), None)
        if model is None:
            return NO_HINT
        set_to, measured = record.set_diameter, record.measured_diameter
        # What has chosen already would choose the same again.
        was_chosen = "model" in (record.automatic or ())
        others = [m for m in models if not (was_chosen and m.is_automatic)]
        return hint_for(confidence, model, others, set_to, measured)

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
        missing, steps = "", self.parameters.preparation
        if self.model.model is None:
            missing = "Add a model first."
        elif self._image is None:
            missing = "Open an image first."
        elif steps.problem and (self._count is None or steps.fits_no_image):
            missing = escape(steps.problem)
        elif self._count == 0:
            missing = "No image matches this scope. Choose another one next to Run."
        what = self._image.name if self._image else ""
        if what and self._in_view:
            what = f"the view of {what}"
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
        # Before the content, as the Tab key goes.
        if corner is not None:
            corner.setParent(self)
        column = QVBoxLayout(self)
        column.addWidget(content)

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
