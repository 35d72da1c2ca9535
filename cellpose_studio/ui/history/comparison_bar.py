"""The bar above the image during a comparison: legend and counts."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton

from cellpose_studio.app.history.comparison import Compared
from cellpose_studio.core.matching.compare import ADDED, CHANGED, REMOVED, UNCHANGED
from cellpose_studio.ui.canvas.layers.comparison_layer import COLOURS


class ComparisonBar(QFrame):
    """Legend of a comparison, with a button that closes it."""

    close_requested = Signal()

    def __init__(self) -> None:
        super().__init__(objectName="comparisonBar")
        self.text = QLabel(objectName="comparison", wordWrap=True)
        self.close_button = QPushButton("Close", objectName="comparisonClose")
        self.close_button.setToolTip("Close the comparison and show the masks (Esc).")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 8, 6)
        row.addWidget(self.text, 1)
        row.addWidget(self.close_button)
        self.close_button.clicked.connect(self.close_requested)
        self.hide()

    def show_result(self, result: Compared) -> None:
        """Show the meaning of the colours and the number of cells with each."""
        found = result.comparison
        parts = [
            _part(ADDED, len(found.added), "added"),
            _part(REMOVED, len(found.removed), "removed"),
            _part(CHANGED, len(found.changed), "changed"),
            _part(UNCHANGED, len(found.unchanged), "unchanged"),
        ]
        title = f"{result.before.words} → {result.after.words}"
        title = title[0].upper() + title[1:]
        self.text.setText(f"<b>{title}</b> &nbsp; {' &nbsp; '.join(parts)}")
        self.show()


def _part(state: int, cells: int, word: str) -> str:
    return f'<span style="color:{COLOURS[state]}">■</span>&nbsp;{cells}&nbsp;{word}'
