"""Choice of the images whose cells the table lists."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox

THIS_IMAGE, ALL_CELLS, SUMMARY = "image", "cells", "summary"
_SCOPES = {
    THIS_IMAGE: ("Cells of this image", "The cells of the image shown."),
    ALL_CELLS: ("Cells of all images", "The cells of all images that have masks."),
    SUMMARY: (
        "Summary of all images",
        "One row for each image and time point: number of cells, density, confluence, "
        "and averages of the chosen measurements.",
    ),
}


class ScopeBox(QComboBox):
    """Offers the cells of this image, or of all, and a summary; each is its data."""

    def __init__(self) -> None:
        super().__init__(objectName="measureScope")
        for key, (text, tip) in _SCOPES.items():
            self.addItem(text, key)
            self.setItemData(self.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.setToolTip("Choose the images whose cells are listed.")
