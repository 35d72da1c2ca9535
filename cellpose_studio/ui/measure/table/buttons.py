"""The line below the table: how many cells it lists, and what can be done with it."""

from __future__ import annotations

from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QWidget,
)

_IGNORED = QSizePolicy.Policy.Ignored


class TableButtons(QWidget):
    """Number of cells, and buttons for the columns, copies and exports."""

    def __init__(self) -> None:
        super().__init__()
        self.number = QLabel(objectName="measureCount", wordWrap=True)
        # A longer text takes a second line: a wider panel would lay out the canvas
        # again.
        self.number.setSizePolicy(_IGNORED, QSizePolicy.Policy.Preferred)
        self.columns = QPushButton("Columns…", objectName="measureColumns")
        self.columns.setToolTip(
            "Choose the measurements that the table shows; it remembers them."
        )
        self.copy = QPushButton("Copy", objectName="measureCopy")
        self.copy.setToolTip(
            "Copy the selected cells, or all listed ones, for a spreadsheet (Ctrl+C in "
            "the table)."
        )
        self.export = QPushButton("Export…", objectName="measureExport")
        self.export.setToolTip(
            "Write the cells of this image, or of all images, as CSV or Parquet: with "
            "all measurements, a summary, and a list of what each column means."
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.number, 1)
        for button in (self.columns, self.copy, self.export):
            row.addWidget(button)
