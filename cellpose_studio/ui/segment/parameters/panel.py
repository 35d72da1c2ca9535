"""Panel of the parameters of a run, with its Run button."""

from __future__ import annotations

from html import escape

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.ui.segment.parameters.preparation import PreparationForm
from cellpose_studio.ui.segment.run_masks import RunMasks
from cellpose_studio.ui.widgets.elided_button import ElidedButton
from cellpose_studio.ui.widgets.form import Form, fields_of, keep_narrow
from cellpose_studio.ui.widgets.section import Section

_STITCH_THRESHOLD = 0.25
"""Initial IoU above which cells of neighbouring planes are stitched."""


_STACK_MODES = {
    "volume": "As a volume (3D)",
    "joined": "Plane by plane, cells joined",
    "planes": "Plane by plane, each on its own",
}

_OWN_CONTRAST_TIP = (
    "<qt>In a run on a view, a region or a cell, take the percentiles from the pixels "
    "there. Off, they are those of the whole image, and the cells are the same as in a "
    "run on it.</qt>"
)


class ParameterPanel(QWidget):
    """Shows the parameters of a run, other than model and thresholds."""

    run_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        model = SegmentationParameters
        self.main = Form(model, fields_of(model, "main"))
        self.mode = QComboBox(objectName="stackMode")
        for key, text in _STACK_MODES.items():
            self.mode.addItem(text, key)
        keep_narrow(self.mode, 0)
        self.mode.setAccessibleName("How a stack is run")
        self.mode.setToolTip(
            "<qt>How to segment the planes of a stack. As a volume is best for cells "
            "that extend over many planes, and slowest.</qt>"
        )
        # The box of modes takes the place of the switch `do_3D`.
        stack = [f for f in fields_of(model, "stack") if f != "do_3D"]
        self.stack = Form(model, stack)
        self.stack.set_values({"stitch_threshold": _STITCH_THRESHOLD})
        self.normalization = Form(
            Normalization, fields_of(Normalization, "normalisation")
        )
        self.own_contrast = QCheckBox(
            "Contrast of the region", objectName="ownContrast"
        )
        self.own_contrast.setToolTip(_OWN_CONTRAST_TIP)
        self.advanced = Form(model, fields_of(model, "advanced"))
        self.preparation = PreparationForm()
        self.run = ElidedButton("Run", "run")
        self.scope = QComboBox(
            objectName="runScope",
            toolTip="Choose the images to run on.",
            accessibleName="Images to run on",
        )
        self.stack_section = Section("3D stack", self._stack_page())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.main)
        column.addWidget(self.stack_section)
        self._preparation = Section(self.preparation.title, self.preparation)
        column.addWidget(self._preparation)
        column.addWidget(Section("Normalisation", self._normalization_page()))
        column.addWidget(Section("Advanced", self.advanced))
        row = QHBoxLayout()
        row.addWidget(self.run, 1)
        row.addWidget(self.scope)
        column.addLayout(row)
        self.masks = RunMasks()
        column.addWidget(self.masks)
        self.run.clicked.connect(self.run_requested)
        self.mode.currentIndexChanged.connect(self._on_mode)
        self.preparation.changed.connect(self._on_steps)
        self._on_mode()

    def set_image(self, image: ImageSource | None) -> None:
        """Show the parameters that apply to ``image``."""
        self.preparation.set_image(image)
        is_stack = image is not None and image.planes > 1
        self.stack_section.setVisible(is_stack)
        if image is not None:
            self.stack.suggest("anisotropy", image.anisotropy or 1.0)
        if is_stack:
            self.stack_section.open()

    def set_runnable(self, what: str, missing: str) -> None:
        """Enable Run and show its target, or disable it and show what is missing."""
        self.run.setEnabled(not missing)
        self.run.set_full_text(f"Run on {what}" if what else "Run")
        tip = missing or f"Find the cells of {escape(what)} (Ctrl+R)."
        self.run.setToolTip(f"<qt>{tip}</qt>")

    def parameters(
        self,
        image: ImageSource,
        channels: tuple[int | None, ...],
        thresholds: dict[str, float],
    ) -> SegmentationParameters:
        """Return the parameters of a run on ``image``."""
        # The box keeps the mode of the last stack, which does not apply to one plane.
        mode = self.mode.currentData() if image.planes > 1 else "planes"
        stack = self.stack.values()
        # Cellpose stitches planes whenever this threshold is above 0.
        if mode != "joined":
            stack["stitch_threshold"] = 0.0
        return SegmentationParameters(
            channels=channels,
            do_3D=mode == "volume",
            preparation=self.preparation.steps(),
            normalization=Normalization(**self.normalization.values()),
            **self.main.values(),
            **stack,
            **self.advanced.values(),
            **thresholds,
        )

    @property
    def mode_key(self) -> str:
        """How stacks are segmented, a key of `_STACK_MODES`."""
        return str(self.mode.currentData())

    def set_mode(self, key: str) -> None:
        """Choose how stacks are segmented; unknown keys change nothing."""
        if (at := self.mode.findData(key)) >= 0:
            self.mode.setCurrentIndex(at)

    def chosen(self, thresholds: dict[str, float]) -> SegmentationParameters:
        """Return what the fields show, whatever of it applies to the image."""
        return SegmentationParameters(
            do_3D=self.mode_key == "volume",
            preparation=self.preparation.steps(),
            normalization=Normalization(**self.normalization.values()),
            **self.main.values(),
            **self.stack.values(),
            **self.advanced.values(),
            **thresholds,
        )

    def show_parameters(
        self, parameters: SegmentationParameters, image: ImageSource | None
    ) -> None:
        """Show parameters in the fields; thresholds have their own panel."""
        values = parameters.model_dump()
        # Dumps lack what records of earlier versions lack.
        values["postprocessing"] = parameters.postprocessing
        if parameters.do_3D or not parameters.stitch_threshold:
            # The threshold of the user is kept for the next run that stitches planes.
            del values["stitch_threshold"]
        if image is not None and values["anisotropy"] == (image.anisotropy or 1.0):
            values["anisotropy"] = None
        self.mode.setCurrentIndex(self.mode.findData(_mode_of(parameters)))
        self.preparation.set_steps(parameters.preparation)
        self.normalization.set_values(values.pop("normalization"))
        for form in (self.main, self.stack, self.advanced):
            form.set_values(values)

    def _stack_page(self) -> QWidget:
        page = QWidget()
        form = QFormLayout(page)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Run", self.mode)
        form.addRow(self.stack)
        return page

    def _normalization_page(self) -> QWidget:
        page = QWidget()
        rows = QVBoxLayout(page)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.normalization)
        rows.addWidget(self.own_contrast)
        return page

    def _on_steps(self) -> None:
        self._preparation.title.setText(self.preparation.title)

    def _on_mode(self) -> None:
        mode = self.mode.currentData()
        self.stack.widget_of("stitch_threshold").setEnabled(mode == "joined")
        for name in ("anisotropy", "flow3D_smooth"):
            self.stack.widget_of(name).setEnabled(mode == "volume")


def _mode_of(parameters: SegmentationParameters) -> str:
    """Return the stack mode of parameters, a key of `_STACK_MODES`."""
    if parameters.do_3D:
        return "volume"
    return "joined" if parameters.stitch_threshold else "planes"
