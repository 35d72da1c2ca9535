"""Choice of the images whose cells the table lists."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox

from cellpose_studio.ui.widgets.form import keep_narrow

THIS_IMAGE, TRACKS, SUMMARY = "image", "tracks", "summary"
ALL_CELLS, ALL_TRACKS = "cells", "all tracks"
_SCOPES = {
    THIS_IMAGE: ("Cells of this image", "The cells of the image shown."),
    TRACKS: (
        "Tracks of this image",
        "One row for each cell of the time series shown: first and last time point, "
        "mother and daughters, path and speed.",
    ),
    ALL_CELLS: ("Cells of all images", "The cells of all images that have masks."),
    ALL_TRACKS: (
        "Tracks of all images",
        "One row for each cell of all time series that have masks.",
    ),
    SUMMARY: (
        "Summary of all images",
        "One row for each image and time point: number of cells, density, confluence, "
        "and averages of the chosen measurements.",
    ),
}
_LENGTH = 12
"""Letters that there is room for at least."""


class ScopeBox(QComboBox):
    """Offers the cells of this image, or of all, and a summary; each is its data."""

    def __init__(self) -> None:
        super().__init__(objectName="measureScope")
        for key, (text, tip) in _SCOPES.items():
            self.addItem(text, key)
            self.setItemData(self.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        # With large letters, the longest text would widen the panel.
        keep_narrow(self, _LENGTH)
        self.setAccessibleName("What is listed")
        self.setToolTip("Choose the images whose cells, or tracks, are listed.")

    @property
    def of_all(self) -> bool:
        """Whether all images are listed, not the one that is shown."""
        return self.currentData() not in (THIS_IMAGE, TRACKS)

    @property
    def of_tracks(self) -> bool:
        """Whether there is a row for each cell over time."""
        return self.currentData() in (TRACKS, ALL_TRACKS)

    @property
    def of_cells(self) -> bool:
        """Whether there is a row for each cell at each time point."""
        return self.currentData() in (THIS_IMAGE, ALL_CELLS)
