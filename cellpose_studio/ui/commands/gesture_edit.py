"""Fields for a mouse gesture: a button and the modifiers held with it."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QWidget

from cellpose_studio.ui.commands.gestures import BUTTONS, MODIFIERS, Trigger
from cellpose_studio.ui.widgets.form import describe


class GestureEdit(QWidget):
    """Edits what starts a gesture."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__(objectName="gestureEdit")
        self.checks = {name: QCheckBox(name) for name in MODIFIERS}
        self.button = QComboBox(objectName="gestureButton")
        for name in BUTTONS:
            self.button.addItem(f"{name} button", name)
        describe(self.button, "Mouse button", "The button that starts the gesture.")
        for name, check in self.checks.items():
            check.setToolTip(f"Whether {name} has to be held.")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for check in self.checks.values():
            row.addWidget(check)
            check.toggled.connect(lambda _: self.changed.emit())
        row.addWidget(self.button, 1)
        self.button.currentIndexChanged.connect(lambda _: self.changed.emit())

    def trigger(self) -> Trigger:
        """Return what the fields say."""
        held = (name for name, check in self.checks.items() if check.isChecked())
        return Trigger(self.button.currentData(), frozenset(held))

    def show_trigger(self, trigger: Trigger) -> None:
        """Show a trigger in the fields; emit `changed` once."""
        self.blockSignals(True)
        for name, check in self.checks.items():
            check.setChecked(name in trigger.modifiers)
        self.button.setCurrentIndex(self.button.findData(trigger.button))
        self.blockSignals(False)
        self.changed.emit()
