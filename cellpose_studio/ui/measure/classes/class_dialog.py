"""Asks for the name, the colour and the key of a class."""

from __future__ import annotations

from dataclasses import replace

from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QColorDialog,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QInputDialog,
    QLineEdit,
    QPushButton,
    QWidget,
)

from cellpose_studio.core.provenance.classes.cell_class import KEYS, NO_KEY, CellClass

_KEY_TIP = (
    "The number key that puts cells into the class. A class that has it already gets "
    "the key of this one."
)


class ClassDialog(QDialog):
    """Shows a class to be changed; `wanted` is what the user has chosen."""

    def __init__(self, parent: QWidget, one: CellClass) -> None:
        super().__init__(parent, objectName="classDialog")
        self.setWindowTitle(f"Class {one.name}")
        self._one = one
        self._colour = one.colour
        self.name = QLineEdit(one.name, objectName="className")
        self.name.setToolTip("What tables and legends call the class.")
        self.name.setAccessibleName("Name of the class")
        self.colour = QPushButton(objectName="classColour")
        self.colour.setToolTip("Choose the colour of its cells on the image.")
        self.colour.setAccessibleName("Colour of the class")
        self.key = QComboBox(objectName="classKey")
        self.key.setToolTip(_KEY_TIP)
        self.key.setAccessibleName("Key of the class")
        self.key.addItem("none", NO_KEY)
        for key in KEYS:
            self.key.addItem(str(key), key)
        self.key.setCurrentIndex(self.key.findData(one.key))
        form = QFormLayout(self)
        form.addRow("Name", self.name)
        form.addRow("Colour", self.colour)
        form.addRow("Key", self.key)
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Ok | kinds.Cancel)
        buttons.button(kinds.Ok).setToolTip("Change the class; its cells stay in it.")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)
        self.colour.clicked.connect(lambda: self._ask_colour())
        self._show_colour()

    @classmethod
    def ask(cls, parent: QWidget, one: CellClass) -> CellClass | None:
        """Return a class as the user wants it; None if the dialog is cancelled."""
        dialog = cls(parent, one)
        accepted = dialog.exec() == QDialog.DialogCode.Accepted
        wanted = dialog.wanted
        dialog.deleteLater()
        return wanted if accepted else None

    @staticmethod
    def ask_new(parent: QWidget, name: str) -> str | None:
        """Return the name of a new class; None if the dialog is cancelled."""
        text, accepted = QInputDialog.getText(
            parent, "Add class", "Name of the class", text=name
        )
        return text if accepted else None

    @property
    def wanted(self) -> CellClass:
        """The class with what was chosen."""
        return replace(
            self._one,
            name=self.name.text(),
            colour=self._colour,
            key=self.key.currentData(),
        )

    def set_colour(self, colour: str) -> None:
        """Choose a colour, "#rrggbb"."""
        self._colour = colour
        self._show_colour()

    def _ask_colour(self) -> None:
        colour = QColorDialog.getColor(
            QColor(self._colour), self, "Colour of the class"
        )
        if colour.isValid():
            self.set_colour(colour.name())

    def _show_colour(self) -> None:
        self.colour.setStyleSheet(f"background-color: {self._colour};")
        self.colour.setText(self._colour)
