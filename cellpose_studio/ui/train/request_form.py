"""What is trained, and how: model, name, device and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from pydantic import ValidationError
from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.models.training import TrainingParameters, finetuning
from cellpose_studio.core.models.training_memory import gpu_bytes, memory_text
from cellpose_studio.ui.widgets.form import Form, keep_narrow, set_tooltip
from cellpose_studio.ui.widgets.section import Section

_FIELDS = (
    "n_epochs",
    "batch_size",
    "nimg_per_epoch",
    "patience",
    "validate_every",
    "parent_share",
    "seed",
    "freeze_norm",
)
_LAYERS = {
    "all": ("all", "Train all weights."),
    "last": (
        "the last",
        "Train the last layers only: the least memory, and the model keeps more of "
        "what it knows.",
    ),
    "lora": (
        "additions (LoRA)",
        "Train small additions to all layers of a Transformer: one weight in a "
        "hundred, and less memory than all.",
    ),
}
_MEAN = "mean of all"
_LEAST = 12
"""Letters for which a list of names has room at least."""
_SCRATCH = TrainingParameters(
    validate_every=10,
    patience=100,
    shading=0.3,
    noise=0.1,
    nimg_per_epoch=32,
    min_train_masks=1,
    zoom=1.5,
)
"""Defaults of a U-Net from scratch, on the few images of a project."""


class RequestForm(QWidget):
    """Lets the user choose what to train; `parameters` are those chosen."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._defaults = _SCRATCH
        self._named = False
        self._listed = False
        self.model = QComboBox(objectName="trainModel")
        self.name = QLineEdit(objectName="trainName")
        self.device = QComboBox(objectName="trainDevice")
        # Long names of models and devices must not widen the panel.
        for combo in (self.model, self.device):
            keep_narrow(combo, _LEAST)
        self.device.addItem("CPU", "cpu")
        self._memory: dict[str, int] = {}
        self.layers = QComboBox(objectName="trainLayers")
        self.channel = QComboBox(objectName="trainChannel")
        keep_narrow(self.channel, _LEAST)
        self.set_channels(())
        self.rate = QDoubleSpinBox(
            objectName="trainRate", decimals=6, minimum=1e-6, maximum=1.0
        )
        self.rate.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        self.note = QLabel(objectName="trainNote", wordWrap=True)
        self.note.hide()
        self.form = Form(TrainingParameters, _FIELDS)
        self._lay_out()
        self.name.textEdited.connect(self._on_named)
        self.model.currentIndexChanged.connect(self._on_model)
        self.device.currentIndexChanged.connect(lambda _: self._show_note())
        for choice in (self.layers, self.channel):
            choice.currentIndexChanged.connect(lambda _: self._show_note())
        self.form.changed.connect(self._show_note)
        self._on_model()

    @property
    def parent_model(self) -> ModelSpec | None:
        """The model that is trained further; None for one from scratch."""
        chosen: ModelSpec | None = self.model.currentData()
        return chosen

    @property
    def reason_disabled(self) -> str:
        """Why the training cannot be started; "" if it can."""
        model = self.parent_model
        if model is None:
            return "" if self.name.text().strip() else "Give the model a name."
        if model.architecture == "unet-average":
            return f"{model.label} is the mean of several networks: choose one of them."
        on_cpu = self.device.currentData() == "cpu"
        if not model.architecture_info.scales_images and on_cpu:
            return (
                f"{model.label} is a Transformer, which is trained on a GPU only. "
                "Choose a U-Net, or a GPU as the device."
            )
        return "" if self.name.text().strip() else "Give the model a name."

    def parameters(self) -> TrainingParameters:
        """Return the parameters that are chosen, over the defaults of the model."""
        chosen: dict[str, Any] = {
            **self.form.values(),
            "learning_rate": self.rate.value(),
            "layers": self.layers.currentData(),
            "channel": self.channel.currentData(),
        }
        return TrainingParameters.model_validate({**dict(self._defaults), **chosen})

    def set_models(self, models: list[ModelSpec], proposed: ModelSpec | None) -> None:
        """List models to train further; what is chosen stays, at first ``proposed``."""
        chosen = self.parent_model if self._listed else proposed
        before = self.parent_model
        self.model.blockSignals(True)
        self.model.clear()
        for model in models:
            self.model.addItem(model.label, model)
        self.model.addItem("A small U-Net from scratch", None)
        known = [model.sha256 for model in models]
        # From scratch, the last entry, has no model.
        gone = 0 if chosen or not self._listed else len(models)
        at = known.index(chosen.sha256) if chosen and chosen.sha256 in known else gone
        self._listed = bool(models)
        self.model.setCurrentIndex(at)
        self.model.blockSignals(False)
        if (self.parent_model and self.parent_model.sha256) != (
            before and before.sha256
        ):
            self._on_model()

    def set_devices(self, devices: list[tuple[str, str, int]], chosen: str) -> None:
        """List devices, the fastest first: torch's names, titles, bytes of memory.

        The one of the preferences is proposed, which is ``chosen``, if it is there.
        """
        self._memory = {name: memory for name, _, memory in devices}
        self.device.clear()
        for name, title, _ in devices:
            self.device.addItem(title, name)
        self.device.setCurrentIndex(max(0, self.device.findData(chosen)))

    def set_channels(self, names: Sequence[str]) -> None:
        """List the channels of the images; the one chosen stays."""
        chosen = self.channel.currentData() or 0
        named = [*names, *(f"Channel {n}" for n in range(len(names) + 1, chosen + 1))]
        texts = [_MEAN, *named]
        if texts == [self.channel.itemText(n) for n in range(self.channel.count())]:
            return
        with QSignalBlocker(self.channel):
            self.channel.clear()
            for n, text in enumerate(texts):
                self.channel.addItem(text, n)
            self.channel.setCurrentIndex(chosen)

    def propose_name(self, name: str) -> None:
        """Show a name, unless the user has typed one."""
        if not self._named and name != self.name.text():
            self.name.setText(name)
            # A long name is read from its beginning.
            self.name.setCursorPosition(0)
            self._show_note()

    def take_name(self) -> None:
        """Let the next name be proposed: this one is used."""
        self._named = False

    def _on_named(self) -> None:
        self._named = True
        self.changed.emit()

    def _on_model(self) -> None:
        model = self.parent_model
        transformer = model is not None and not model.architecture_info.scales_images
        self._defaults = (
            _SCRATCH if model is None else finetuning(model.architecture_info)
        )
        self.form.set_values(dict(self._defaults))
        # A network from scratch knows nothing yet, and one of a Transformer's size is
        # not held twice.
        has_share = model is not None and not transformer
        self.form.widget_of("parent_share").setEnabled(has_share)
        self.rate.setValue(self._defaults.learning_rate)
        self.layers.clear()
        for key in ("all", "last", "lora") if transformer else ("all", "last"):
            text, tip = _LAYERS[key]
            self.layers.addItem(text, key)
            self.layers.setItemData(
                self.layers.count() - 1, tip, Qt.ItemDataRole.ToolTipRole
            )
        self.layers.setCurrentIndex(self.layers.findData(self._defaults.layers))
        self.layers.setEnabled(model is not None)
        self._show_note()

    def _show_note(self) -> None:
        text = self.reason_disabled or self._memory_needed()
        self.note.setText(text)
        self.note.setVisible(bool(text))
        self.changed.emit()

    def _memory_needed(self) -> str:
        """Return what a training takes of the memory of a GPU; "" of small networks."""
        model, device = self.parent_model, self.device.currentData()
        if model is None or model.architecture_info.scales_images or device == "cpu":
            return ""
        # The file may be gone by now, which the training says.
        with suppress(OSError, ValidationError):
            size = model.path.stat().st_size
            needed = gpu_bytes(size, self.parameters())
            return memory_text(needed, self._memory.get(device, 0))
        return ""

    def _lay_out(self) -> None:
        rows = QFormLayout()
        rows.setContentsMargins(0, 0, 0, 0)
        for title, widget, tip in (
            (
                "Start from",
                self.model,
                "Train this model further on your images: it needs few of them. From "
                "scratch takes some hundred cells.",
            ),
            ("Name", self.name, "Name of the new model; no model is overwritten."),
            ("Device", self.device, "Device that trains. A GPU is much faster."),
        ):
            rows.addRow(title, widget)
            _describe(rows.labelForField(widget), widget, title, tip)
        more = QWidget()
        QVBoxLayout(more).addWidget(self.form)
        # One layout, so that all fields begin at the same place.
        fields = self.form.layout()
        own = (
            (
                "Learning rate",
                self.rate,
                "How far each step goes. A model that is trained further forgets what "
                "it knows if it is high.",
            ),
            ("Layers", self.layers, "Which weights are trained."),
            (
                "Channel",
                self.channel,
                "Channel of the images that the network sees. Their mean is the choice "
                "for images with cells in all of them, such as those in colour.",
            ),
        )
        for row, (title, widget, tip) in enumerate(own):
            fields.insertRow(row, title, widget)
            _describe(fields.labelForField(widget), widget, title, tip)
        self.setTabOrder(self.rate, self.layers)
        self.setTabOrder(self.layers, self.channel)
        self.setTabOrder(self.channel, self.form.widget_of(_FIELDS[0]))
        for name in _FIELDS:
            title = TrainingParameters.model_fields[name].title or name
            self.form.widget_of(name).setAccessibleName(title)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(rows)
        layout.addWidget(self.note)
        self.section = Section("Parameters", more)
        layout.addWidget(self.section)


def _describe(label: QWidget, widget: QWidget, title: str, tip: str) -> None:
    for one in (label, widget):
        set_tooltip(one, tip)
    widget.setAccessibleName(title)
