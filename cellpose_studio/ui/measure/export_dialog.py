"""Dialog for the export of a table of measurements."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from qtpy.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.core.wording import image_count
from cellpose_studio.ui.files.dialogs import ok_cancel
from cellpose_studio.workflows.measure.tables import KINDS, TableKind, table_files
from cellpose_studio.workflows.measure.tracks import track_files

_WIDTH = 420  # px
_TEXTS = {
    "csv": ("CSV", "A table as text, which spreadsheets, R and Python open."),
    "parquet": (
        "Parquet",
        "A small, fast table for R and Python, with units.",
    ),
}


class TableExportDialog(QDialog):
    """Asks for the folder and the kinds of the table, and says which files come."""

    def __init__(
        self,
        *,
        images: int,
        folder: Path,
        kinds: Collection[str],
        tracks: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export tracks" if tracks else "Export measurements")
        self._files_of = track_files if tracks else table_files
        self.line = QLineEdit(str(folder), objectName="tableFolder")
        self.line.setAccessibleName("Folder of the tables")
        self.line.setToolTip("The folder is made if it does not exist.")
        browse = QPushButton("Choose…", autoDefault=False)
        browse.setToolTip("Choose the folder of the tables.")
        self.boxes: dict[TableKind, QCheckBox] = {}
        column = QVBoxLayout(self)
        column.addStrut(_WIDTH)
        of = "tracks" if tracks else "cells"
        what = f"Write the {of} of {image_count(images)}, all measurements, as"
        column.addWidget(QLabel(what))
        for kind in KINDS:
            text, tip = _TEXTS[kind]
            box = self.boxes[kind] = QCheckBox(text, checked=kind in kinds)
            box.setToolTip(tip)
            box.toggled.connect(self._refresh)
            column.addWidget(box)
        row = QHBoxLayout()
        row.addWidget(QLabel("Folder"))
        row.addWidget(self.line, 1)
        row.addWidget(browse)
        column.addLayout(row)
        self.files = QLabel(wordWrap=True)
        column.addWidget(self.files)
        tip = "Write the files. You are asked before any is replaced."
        self.buttons = ok_cancel(self, "Export", tip)
        column.addWidget(self.buttons)
        browse.clicked.connect(lambda: self._browse())
        self.line.textChanged.connect(lambda _: self._refresh())
        self._refresh()

    @property
    def folder(self) -> Path:
        """The chosen folder."""
        return Path(self.line.text().strip()).expanduser()

    @property
    def kinds(self) -> tuple[TableKind, ...]:
        """The chosen kinds of the table of cells."""
        return tuple(kind for kind, box in self.boxes.items() if box.isChecked())

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder", self.line.text())
        if folder:
            self.line.setText(folder)

    def _refresh(self) -> None:
        names = [path.name for path in self._files_of(self.folder, self.kinds)]
        ready = bool(self.kinds and self.line.text().strip())
        self.files.setText(
            f"Files: {', '.join(names)}." if ready else "Choose a kind and a folder."
        )
        self.buttons.button(self.buttons.StandardButton.Ok).setEnabled(ready)
