"""Which compartments are measured: checkboxes, width of the ring, least overlap."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.core.measure.compartments.choice import (
    PARTS,
    UNITS,
    CompartmentChoice,
    Part,
)
from cellpose_studio.ui.widgets.button_grid import ButtonGrid

_TEXTS: dict[Part, tuple[str, str]] = {
    "nucleus": ("Nucleus", "Measure the nucleus of each cell: all nuclei in it."),
    "cytoplasm": (
        "Cytoplasm",
        "Measure the pixels of each cell that are in no nucleus.",
    ),
    "ring": (
        "Ring",
        "Measure the part of the cytoplasm that lies around the nucleus, up to this "
        "width. It never leaves the cell.",
    ),
}
_WIDTH_TIP = "Width of the ring: how far it reaches from the nucleus."
_UNIT_TIP = "Unit of the width. µm need an image whose pixel size is known."
_LEAST_TIP = (
    "<qt>How much of a nucleus has to lie in a cell to belong to it. Raise it if "
    "nuclei of neighbours are taken in. Lower it if masks of cells are too small.</qt>"
)


class CompartmentOptions(QWidget):
    """Shows a choice, and emits when the user changes it."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__(objectName="compartmentOptions")
        self.boxes: dict[Part, QCheckBox] = {}
        for part in PARTS:
            text, tip = _TEXTS[part]
            self.boxes[part] = QCheckBox(text, objectName=f"{part}Box", toolTip=tip)
        self.width_field = QDoubleSpinBox(objectName="ringWidth", toolTip=_WIDTH_TIP)
        self.width_field.setAccessibleName("Width of the ring")
        self.width_field.setRange(0.1, 1000)
        self.width_field.setDecimals(1)
        self.width_field.setKeyboardTracking(False)
        self.unit = QComboBox(objectName="ringUnit", toolTip=_UNIT_TIP)
        self.unit.setAccessibleName("Unit of the width of the ring")
        for unit, text in UNITS.items():
            self.unit.addItem(text, unit)
        self.least = QSpinBox(objectName="leastInCell", toolTip=_LEAST_TIP)
        self.least.setAccessibleName("Least part of a nucleus in its cell")
        self.least.setRange(1, 100)
        self.least.setSuffix(" %")
        self.least.setKeyboardTracking(False)
        self.outline = QCheckBox("Outline nuclei", objectName="outlineNuclei")
        self.outline.setToolTip("Outline the nuclei on the image, over the cells.")
        self.outline.setChecked(True)
        self._lay_out()
        self.show_choice(CompartmentChoice(nuclei=""))
        for box in self.boxes.values():
            box.clicked.connect(lambda _: self._on_field())
        self.width_field.valueChanged.connect(lambda _: self._on_field())
        self.unit.activated.connect(lambda _: self._on_field())
        self.least.valueChanged.connect(lambda _: self._on_field())

    def choice(self, cells: str, nuclei: str) -> CompartmentChoice:
        """Return what is chosen, for masks of these names."""
        return CompartmentChoice(
            cells=cells,
            nuclei=nuclei,
            parts=tuple(part for part, box in self.boxes.items() if box.isChecked()),
            ring=round(self.width_field.value(), 1),
            unit=self.unit.currentData(),
            least=self.least.value() / 100,
        )

    def show_choice(self, choice: CompartmentChoice) -> None:
        """Show a choice."""
        self.blockSignals(True)
        for part, box in self.boxes.items():
            box.setChecked(part in choice.parts)
        self.width_field.setValue(choice.ring)
        self.unit.setCurrentIndex(self.unit.findData(choice.unit))
        self.least.setValue(round(choice.least * 100))
        self.blockSignals(False)
        self._enable()

    def _on_field(self) -> None:
        self._enable()
        self.changed.emit()

    def _enable(self) -> None:
        for widget in (self.width_field, self.unit):
            widget.setEnabled(self.boxes["ring"].isChecked())

    def _lay_out(self) -> None:
        label = QLabel("In the cell, at least", toolTip=_LEAST_TIP)
        label.setBuddy(self.least)
        ring = _in_row(self.width_field, self.unit)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        # With large letters, one line would widen the panel.
        column.addWidget(ButtonGrid([*self.boxes.values(), ring]))
        column.addWidget(ButtonGrid([_in_row(label, self.least), self.outline]))


def _in_row(*widgets: QWidget) -> QWidget:
    together = QWidget()
    row = QHBoxLayout(together)
    row.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch(1)
    return together
