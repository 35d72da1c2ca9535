"""Panel of the result, whose thresholds act on the cached flows at once."""

from __future__ import annotations

from html import escape
from math import isnan

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QFormLayout, QGroupBox, QLabel, QPushButton, QVBoxLayout

from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.core.runs.hints import NO_HINT, Hint
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.wording import cell_count, were
from cellpose_studio.ui.widgets.form import extra, number_box
from cellpose_studio.ui.widgets.number_slider import NumberSlider

FIELDS = ("flow_threshold", "cellprob_threshold", "min_size")
_DELAY = 60  # ms between the movement of a slider and the work for it

_UNCERTAINTY_TIP = (
    "<qt>Number of uncertain cells, and the median probability and flow error of all "
    "cells. A certain cell has a probability of 100 % and a flow error of 0. Review "
    "uncertain cells first: View ▸ Colour by uncertainty (K) marks them. The status "
    "bar shows the values of the cell under the pointer.</qt>"
)
NEEDS_RUN = "These masks have no flows. Changing this threshold needs a run."
_IN_REGION = "The sliders act in the region of this run."
_NO_FLOW_CHECK_IN_3D = "The flow threshold is not used in 3D."


class ResultPanel(QGroupBox):
    """Shows the number of cells and their uncertainty, with three sliders."""

    changed = Signal()
    released = Signal()
    bring_back_requested = Signal()
    automatic_requested = Signal()

    def __init__(self) -> None:
        super().__init__("Result")
        self.count = QLabel(objectName="cellCount", wordWrap=True)
        self.uncertainty = QLabel(objectName="uncertainty", wordWrap=True)
        self.uncertainty.setToolTip(_UNCERTAINTY_TIP)
        self.hint = QLabel(objectName="hint", wordWrap=True)
        # Plain, because part of it comes from the card in a weight file.
        self.hint.setTextFormat(Qt.TextFormat.PlainText)
        self.left_out = QLabel(objectName="leftOut", wordWrap=True)
        self.bring_back = QPushButton(objectName="bringBack")
        self.bring_back.setToolTip(
            "Put these cells in. Later runs find cells in their places again, too."
        )
        self.bring_back.clicked.connect(self.bring_back_requested)
        self.automatic = QPushButton("Run with Automatic", objectName="runAutomatic")
        self.automatic.setToolTip(
            "Choose Automatic as the model, and run again. The masks before stay in "
            "the history."
        )
        self.automatic.clicked.connect(self.automatic_requested)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        self.sliders = {name: _slider(name) for name in FIELDS}
        self._tips: dict[str, str] = {}
        for name, slider in self.sliders.items():
            form.addRow(SegmentationParameters.model_fields[name].title, slider)
            slider.changed.connect(self._on_value)
            slider.released.connect(self._on_release)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(self.count)
        column.addWidget(self.left_out)
        column.addWidget(self.bring_back, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.uncertainty)
        column.addWidget(self.hint)
        column.addWidget(self.automatic, 0, Qt.AlignmentFlag.AlignLeft)
        self._form = form
        self._timer = QTimer(self, singleShot=True, interval=_DELAY)
        self._timer.timeout.connect(self.changed)
        self.show_labels(None)

    def values(self) -> dict[str, float]:
        """Return the thresholds under Cellpose's names."""
        return {n: round(slider.value(), 2) for n, slider in self.sliders.items()}

    def show_labels(
        self,
        labels: LabelSet | None,
        confidence: Confidence | None = None,
        hint: Hint = NO_HINT,
    ) -> None:
        """Show the thresholds of masks, and their number of cells; and a hint.

        ``confidence`` is that of the cells that are there now.
        """
        self._show_uncertainty(labels, confidence)
        left_out = left_out_text(labels)
        self.left_out.setText(left_out)
        self.bring_back.setText(bring_back_text(labels))
        for part in (self.left_out, self.bring_back):
            part.setVisible(bool(left_out))
        self.hint.setText(hint.in_window())
        self.hint.setVisible(bool(hint))
        self.automatic.setVisible(hint.proposes_automatic)
        if labels is None:
            self.count.setText("Not segmented yet.")
            self._enable(FIELDS, True, "")
            return
        unit = "cell" if labels.cells == 1 else "cells"
        lines = [f"<b>{labels.cells} {unit}</b>", escape(labels.origin)]
        if labels.record is not None and labels.diameter is not None:
            lines.append(f"Diameter {labels.diameter:.1f} px")
        if labels.parameters.region is not None and labels.maker is not None:
            lines.append(_IN_REGION)
        self.count.setText("<br>".join(lines))
        if not self._busy():
            self.set_values(labels.parameters)
        self._enable(FIELDS, labels.maker is not None, NEEDS_RUN)
        if labels.flows is not None and labels.flows.volumetric:
            self._enable(("flow_threshold",), False, _NO_FLOW_CHECK_IN_3D)

    def set_values(self, parameters: SegmentationParameters) -> None:
        """Show the thresholds of ``parameters`` without acting on them."""
        for name, slider in self.sliders.items():
            slider.blockSignals(True)
            slider.set_value(getattr(parameters, name))
            slider.blockSignals(False)

    def _show_uncertainty(
        self, labels: LabelSet | None, confidence: Confidence | None
    ) -> None:
        """Show the number of uncertain cells, and the medians of all cells."""
        shown = confidence is not None and len(confidence.ids) > 0
        self.uncertainty.setVisible(shown)
        if labels is not None and confidence is not None and shown:
            found = set(confidence.ids[confidence.uncertain].tolist())
            uncertain = len(found - labels.hand_edits.shaped)
            error, probability = confidence.medians()
            fit = "" if isnan(error) else f", flow error {error:.2f}"
            self.uncertainty.setText(
                f"{uncertain or 'None'} uncertain<br>Probability {probability:.0%}{fit}"
            )

    def _busy(self) -> bool:
        """Return whether the user moves a slider, which must not be set meanwhile."""
        busy = any(slider.is_busy() for slider in self.sliders.values())
        return busy or self._timer.isActive()

    def _on_value(self) -> None:
        # A running timer is not restarted: the masks would not follow a moving slider.
        if not self._timer.isActive():
            self._timer.start()

    def _on_release(self) -> None:
        # The last value has to be sent before `released`, which ends the gesture.
        if self._timer.isActive():
            self._timer.stop()
            self.changed.emit()
        self.released.emit()

    def _enable(self, names: tuple[str, ...], on: bool, reason: str) -> None:
        for name in names:
            slider = self.sliders[name]
            slider.setEnabled(on)
            field = SegmentationParameters.model_fields[name]
            tip = (field.description or "") if on else reason
            # Each edit shows its masks again, and most often nothing of this changes.
            if self._tips.get(name) != tip:
                self._tips[name] = tip
                slider.set_tip(tip)
                self._form.labelForField(slider).setToolTip(f"<qt>{tip}</qt>")


def left_out_text(labels: LabelSet | None) -> str:
    """Return how many cells were left out where cells were deleted; "" if none."""
    if labels is None or labels.left_out is None:
        return ""
    count = len(labels.left_out.cells)
    return f"{cell_count(count)} {were(count)} left out where you deleted cells."


def bring_back_text(labels: LabelSet | None) -> str:
    """Return the text of the button that puts in what was left out."""
    left_out = labels.left_out if labels else None
    one = left_out is not None and len(left_out.cells) == 1
    return "Bring it back" if one else "Bring them back"


def confidence_now(labels: LabelSet) -> Confidence | None:
    """Return how sure the network is of the cells that are there now."""
    # Cells of the run may have been deleted by hand since.
    if labels.confidence is None or not labels.pixels.loaded:
        return labels.confidence
    return labels.confidence.among(labels.pixels.cell_table().ids())


def _slider(name: str) -> NumberSlider:
    """Return a slider over the range of a field, or the useful part of it."""
    field = SegmentationParameters.model_fields[name]
    box = number_box(field, int if field.annotation is int else float)
    slider = NumberSlider(box, extra(field).get("slider", box.maximum()))
    slider.setObjectName(name)
    slider.set_name(field.title or name)
    return slider
