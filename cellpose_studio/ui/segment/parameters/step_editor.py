"""The form of one step that prepares the input of the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QFrame, QHBoxLayout, QLabel, QToolButton

from cellpose_studio.core.runs.preparation.step import HIDDEN, PreparationStep
from cellpose_studio.core.runs.preparation.steps import STEP_KINDS
from cellpose_studio.ui.segment.parameters.channel_fields import (
    ChannelField,
    channel_field,
)
from cellpose_studio.ui.widgets.form import Form, extra


class StepEditor(QFrame):
    """Edits one step, and removes it or moves it before the one above."""

    changed = Signal()
    removed = Signal()
    raised = Signal()

    def __init__(self, step: PreparationStep, is_first: bool) -> None:
        super().__init__(objectName=f"step-{step.kind}")
        self._model = type(step)
        info = STEP_KINDS[step.kind]
        title = QLabel(f"<b>{info.title}</b>")
        title.setToolTip(f"<qt>{info.tip}</qt>")
        earlier = QToolButton(text="↑", autoRaise=True, objectName="raiseStep")
        earlier.setToolTip("Do this step before the one above.")
        earlier.setAccessibleName(f"Do “{info.title}” earlier")
        earlier.setDisabled(is_first)
        remove = QToolButton(text="✕", autoRaise=True, objectName="removeStep")
        remove.setToolTip("Remove this step.")
        remove.setAccessibleName(f"Remove “{info.title}”")
        head = QHBoxLayout()
        head.addWidget(title, 1)
        head.addWidget(earlier)
        head.addWidget(remove)
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.addRow(head)
        self._fields = self._channel_fields(step)
        for field in self._fields.values():
            layout.addRow(field.widget)
            field.changed.connect(self.changed)
        self._form = self._form_of(step)
        layout.addRow(self._form)
        self._form.changed.connect(self.changed)
        earlier.clicked.connect(lambda _=False: self.raised.emit())
        remove.clicked.connect(lambda _=False: self.removed.emit())

    def step(self) -> PreparationStep:
        """Return the step as it is shown."""
        values: dict[str, Any] = dict(self._form.values())
        for field in self._fields.values():
            values |= field.values()
        return self._model(**values)

    def set_names(self, names: Sequence[str]) -> None:
        """Show the channels that there are before this step."""
        for field in self._fields.values():
            field.set_names(names)

    def _channel_fields(self, step: PreparationStep) -> dict[str, ChannelField]:
        return {
            name: channel_field(name, field, step)
            for name, field in self._model.model_fields.items()
            if extra(field).get("channels")
        }

    def _form_of(self, step: PreparationStep) -> Form:
        fields = self._model.model_fields
        weights = {extra(fields[name]).get("weights") for name in self._fields}
        # What a run has filled in, the next one fills in anew.
        hidden = {name for name, field in fields.items() if extra(field).get(HIDDEN)}
        left_out = {"kind", *self._fields, *weights, *hidden}
        names = [name for name in fields if name not in left_out]
        form = Form(self._model, names)
        form.set_values({name: getattr(step, name) for name in names})
        return form
