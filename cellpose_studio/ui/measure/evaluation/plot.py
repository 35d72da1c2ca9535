"""Plot of the average precision over the IoU."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import QWidget

from cellpose_studio.ui.widgets.theme_follower import ThemeFollower

COLOURS = ("#56b4e9", "#e69f00")
"""Of the masks A and B, from the palette of Okabe and Ito."""


class PrecisionPlot(pg.PlotWidget):
    """Shows a line for each result: AP at each IoU, the mean over images."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("evaluationPlot")
        self.setAccessibleName("Average precision over the overlap of cells")
        self.setToolTip(
            "Average precision by the IoU from which on cells count as one."
        )
        # The plot must not take the keys that are shortcuts of the window.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hideButtons()
        self.setMenuEnabled(False)
        self.setMouseEnabled(x=False, y=False)
        self._legend = self.addLegend(offset=(8, -8), labelTextSize="8pt")
        self._lines: tuple[Sequence[float], Sequence[tuple[str, list[float]]]] = (
            (),
            (),
        )
        for side in ("bottom", "left"):
            # Labels of the axes would be in thousandths.
            self.getAxis(side).enableAutoSIPrefix(False)
        # A longer text would be cut off in a narrow panel.
        self.setLabel("bottom", "IoU threshold")
        self.setLabel("left", "Average precision")
        self.setXRange(0.5, 0.95)
        self.setYRange(0, 1)
        ThemeFollower(self, self._apply_theme)

    def show_lines(
        self, thresholds: Sequence[float], lines: Sequence[tuple[str, list[float]]]
    ) -> None:
        """Show lines with their names."""
        self._lines = thresholds, lines
        self.clear()
        self._legend.clear()
        for colour, (name, values) in zip(COLOURS, lines, strict=False):
            self.plot(
                list(thresholds),
                values,
                name=name,
                pen=pg.mkPen(colour, width=2),
                symbol="o",
                symbolSize=6,
                symbolBrush=colour,
                symbolPen=None,
            )

    def _apply_theme(self) -> None:
        text = self.palette().color(QPalette.ColorRole.WindowText)
        self.setBackground(None)
        for side in ("bottom", "left"):
            axis = self.getAxis(side)
            axis.setPen(pg.mkPen(text))
            axis.setTextPen(pg.mkPen(text))
        self._legend.setLabelTextColor(text)
        # The texts of a legend keep the colour that they were made with.
        self.show_lines(*self._lines)
