"""The dialog for the axes of an image, and what other dialogs share."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QMessageBox,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.core.images.axes import AxesQuestion

_OK_CANCEL = QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel


class AxesDialog(QDialog):
    """Asks for the axes of a file; the best guess is preselected."""

    def __init__(self, question: AxesQuestion, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Axes of the image")
        shape = " × ".join(str(n) for n in question.shape)
        self.text = QLabel(
            # The label is rich text, in which a file name could be read as markup.
            f"<b>{escape(question.path.name)}</b> has the shape <b>{shape}</b>, and "
            "its metadata do not define the axes. Choose the meaning of each axis.",
            wordWrap=True,
        )
        self.choice = QComboBox(objectName="axesChoice")
        self.choice.setAccessibleName("Meaning of the axes")
        self.choice.setToolTip(
            "Choose what the numbers of the shape count: planes, time points, channels."
        )
        for axes, text in question.choices:
            self.choice.addItem(f"{axes}: {text}", axes)
        # Qt returns -1 for a guess that is not among the choices.
        self.choice.setCurrentIndex(max(0, self.choice.findData(question.guess)))
        self.same = QCheckBox("Use for all files of this shape", checked=True)
        self.same.setToolTip("Do not ask again for the others that were opened now.")
        column = QVBoxLayout(self)
        column.addWidget(self.text)
        column.addWidget(self.choice)
        column.addWidget(self.same)
        column.addWidget(ok_cancel(self, "Open", "Open the image with these axes."))

    @property
    def axes(self) -> str:
        """The chosen axes."""
        return str(self.choice.currentData())


def ok_cancel(dialog: QDialog, accept: str, tip: str) -> QDialogButtonBox:
    """Return the buttons of a dialog; the first one says what accepting does."""
    buttons = QDialogButtonBox(_OK_CANCEL)
    ok = buttons.button(QDialogButtonBox.StandardButton.Ok)
    ok.setText(accept)
    ok.setToolTip(tip)
    buttons.accepted.connect(dialog.accept)
    buttons.rejected.connect(dialog.reject)
    return buttons


def may_replace_tables(parent: QWidget, existing: Sequence[Path]) -> bool:
    """Ask whether files, all in one folder, may be replaced."""
    names = ", ".join(path.name for path in existing)
    yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.Cancel
    box = QMessageBox(
        QMessageBox.Icon.Question,
        "Replace the tables?",
        f"{existing[0].parent} has {names} already.",
        yes | no,
        parent,
    )
    box.button(yes).setText("Replace")
    return bool(box.exec() == yes)
