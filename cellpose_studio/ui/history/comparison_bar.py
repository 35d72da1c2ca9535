"""The line above the image while two revisions are compared: colours and numbers."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton

from cellpose_studio.app.history.comparison import Compared
from cellpose_studio.core.matching.compare import ADDED, CHANGED, REMOVED, UNCHANGED
from cellpose_studio.ui.canvas.comparison_layer import COLOURS


class ComparisonBar(QFrame):
    """The legend of a comparison, and the way out of it."""

    left = Signal()

    def __init__(self) -> None:
        super().__init__(objectName="comparisonBar")
        self.text = QLabel(objectName="comparison", wordWrap=True)
        self.leave = QPushButton("Close", objectName="comparisonClose")
        self.leave.setToolTip("Back to the masks (Esc).")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 8, 6)
        row.addWidget(self.text, 1)
        row.addWidget(self.leave)
        self.leave.clicked.connect(self.left)
        self.hide()

    def show_result(self, result: Compared) -> None:
        """Say what the colours mean, and how many cells have each."""
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
