"""Dialogs for the axes of an image and for the export of masks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.core.images.axes import AxesQuestion
from cellpose_studio.io.masks.export_formats import FORMATS

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
        for axes, text in question.choices:
            self.choice.addItem(f"{axes}: {text}", axes)
        # Qt returns -1 for a guess that is not among the choices.
        self.choice.setCurrentIndex(max(0, self.choice.findData(question.guess)))
        self.same = QCheckBox("Use for all files of this shape", checked=True)
        column = QVBoxLayout(self)
        column.addWidget(self.text)
        column.addWidget(self.choice)
        column.addWidget(self.same)
        column.addWidget(_buttons(self, "Open"))

    @property
    def axes(self) -> str:
        """The chosen axes."""
        return str(self.choice.currentData())


class SaveDialog(QDialog):
    """Asks for the formats and the folder of an export of masks."""

    def __init__(
        self,
        folder: Path,
        kinds: Sequence[str],
        axes: int,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export masks")
        self._checks: dict[str, QCheckBox] = {}
        column = QVBoxLayout(self)
        for kind, form in FORMATS.items():
            check = QCheckBox(form.text, objectName=f"save_{kind}")
            # A format for single planes cannot hold a stack.
            fits = not form.reason_unfit(axes)
            check.setEnabled(fits)
            check.setChecked(fits and kind in kinds)
            self._checks[kind] = check
            column.addWidget(check)
        self.folder = QLineEdit(str(folder), objectName="saveFolder")
        browse = QPushButton("Browse…")
        row = QHBoxLayout()
        row.addWidget(self.folder, 1)
        row.addWidget(browse)
        form = QFormLayout()
        form.addRow("Folder", row)
        column.addLayout(form)
        self._buttons = _buttons(self, "Export")
        column.addWidget(self._buttons)
        browse.clicked.connect(self._browse)
        for check in self._checks.values():
            check.toggled.connect(self._on_toggled)
        self._on_toggled()
        self.setMinimumWidth(520)

    @property
    def kinds(self) -> list[str]:
        """The chosen formats, as keys of `FORMATS`."""
        return [kind for kind, check in self._checks.items() if check.isChecked()]

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder", self.folder.text())
        if folder:
            self.folder.setText(folder)

    def _on_toggled(self) -> None:
        ok = self._buttons.button(QDialogButtonBox.StandardButton.Ok)
        ok.setEnabled(bool(self.kinds))


def _buttons(dialog: QDialog, accept: str) -> QDialogButtonBox:
    buttons = QDialogButtonBox(_OK_CANCEL)
    buttons.button(QDialogButtonBox.StandardButton.Ok).setText(accept)
    buttons.accepted.connect(dialog.accept)
    buttons.rejected.connect(dialog.reject)
    return buttons
