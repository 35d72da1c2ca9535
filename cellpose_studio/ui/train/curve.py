"""Plot of the losses and the AP of a training."""

from __future__ import annotations

import math
from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from cellpose_studio.core.models.card import CurvePoint, ModelCard
from cellpose_studio.core.models.training import EpochReport
from cellpose_studio.ui.train.samples import swatch
from cellpose_studio.ui.widgets.theme_follower import ThemeFollower

_COLOURS = {
    "training": "#e69f00",
    "validation": "#56b4e9",
    "AP": "#009e73",
}
"""Distinct for colour-blind people: Okabe and Ito."""
_LOSSES = ("training", "validation")
_HEIGHT = 7.5  # lines of text
_AXIS = 3.5  # lines of text; room for the title beside numbers of four digits
_MARGIN = 8  # px


class _EpochAxis(pg.AxisItem):
    """Axis of whole numbers."""

    def tickSpacing(self, low: float, high: float, size: float) -> Any:
        """Return distances of ticks, none below 1; pyqtgraph calls this."""
        several = super().tickSpacing(low, high, size)
        return [one for one in several if one[0] >= 1] or [(1, 0)]


class CurvePlot(QWidget):
    """The losses above, the AP at IoU 0.5 on the validation images below."""

    def __init__(self) -> None:
        super().__init__(objectName="trainCurve")
        self.setAccessibleName("Curves of the training")
        self.setToolTip(
            "<qt>Loss on the training and validation images, and average precision "
            "(AP at IoU 0.5) on the validation images, by epoch. The line marks the "
            "best epoch, which is kept.</qt>"
        )
        self._losses, self._aps = (
            pg.PlotWidget(axisItems={"bottom": _EpochAxis("bottom")}) for _ in range(2)
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        # In the plot, it would cover the curves.
        names = [f"{swatch(_COLOURS[name])} {name}" for name in _LOSSES]
        legend = QLabel(" &nbsp; ".join(names), objectName="trainCurveLegend")
        legend.setAlignment(Qt.AlignmentFlag.AlignRight)
        column.addWidget(legend)
        for plot, title in ((self._losses, "loss"), (self._aps, "AP")):
            # The highest number of the axis is half above its end.
            plot.getPlotItem().setContentsMargins(0, _MARGIN, 0, 0)
            plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            plot.setMouseEnabled(False, False)
            plot.setMenuEnabled(False)
            plot.hideButtons()
            plot.setLabel("left", title)
            for side in ("left", "bottom"):
                plot.getAxis(side).enableAutoSIPrefix(False)
            column.addWidget(plot)
        self._aps.setLabel("bottom", "epoch")
        self._aps.setXLink(self._losses)
        # A constant AP would get an axis beyond 1; the dots need a little room.
        self._aps.setLimits(yMin=-0.02, yMax=1.02)
        self._lines = {
            name: (self._losses if name in _LOSSES else self._aps).plot(
                pen=pg.mkPen(colour, width=2),
                symbol="o" if name != "training" else None,
                symbolSize=5,
                symbolBrush=colour,
                symbolPen=None,
            )
            for name, colour in _COLOURS.items()
        }
        self._best = pg.InfiniteLine(
            pen=pg.mkPen("#999999", style=Qt.PenStyle.DashLine),
            label="best",
            labelOpts={"position": 0.1, "color": "#999999"},
        )
        self._best.hide()
        self._aps.addItem(self._best)
        self.points: dict[str, list[tuple[int, float]]] = {}
        # A training that is resumed reports all its earlier epochs at once.
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._draw)
        self.clear()
        ThemeFollower(self, self._apply_theme)
        self._apply_text_size()

    def clear(self) -> None:
        """Remove everything."""
        self.points = {name: [] for name in _COLOURS}
        self._best.hide()
        self._draw()

    def add(self, report: EpochReport) -> None:
        """Add an epoch; parts that were not measured are left out."""
        self._add(report)
        self._mark_best(report.best)

    def show_card(self, card: ModelCard) -> None:
        """Show the curve of a training that has ended."""
        self.clear()
        for one in card.curve:
            self._add(one)
        self._mark_best(card.epoch or None)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the size of text; Qt calls this."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "_best"):
            self._apply_text_size()

    def _add(self, one: EpochReport | CurvePoint) -> None:
        for name, value in (
            ("training", one.train_loss),
            ("validation", one.validation_loss),
            ("AP", one.validation_ap),
        ):
            if value is not None and not math.isnan(value):
                self.points[name].append((one.epoch, value))
        # Both plots show all epochs, also the model before the first one.
        self._losses.setXRange(0, max(1, one.epoch), padding=0.03)
        self._soon.start()

    def _mark_best(self, epoch: int | None) -> None:
        if epoch is not None:
            self._best.setValue(epoch)
            self._best.show()

    def _draw(self) -> None:
        self.setVisible(any(self.points.values()))
        # Without validation images, there is none.
        has_ap = bool(self.points["AP"])
        self._aps.setVisible(has_ap)
        self._losses.setLabel("bottom", "" if has_ap else "epoch")
        for name, line in self._lines.items():
            points = self.points[name]
            line.setData([x for x, _ in points], [y for _, y in points])

    def _apply_theme(self) -> None:
        palette = self.palette()
        text = palette.color(QPalette.ColorRole.WindowText)
        for plot in (self._losses, self._aps):
            plot.setBackground(palette.color(QPalette.ColorRole.Window))
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(text)
                plot.getAxis(side).setTextPen(text)

    def _apply_text_size(self) -> None:
        line = self.fontMetrics().height()
        for plot in (self._losses, self._aps):
            plot.setFixedHeight(round(_HEIGHT * line))
            plot.getAxis("left").setWidth(_AXIS * line)
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setTickFont(self.font())
                axis.label.setFont(self.font())
                axis.setStyle(tickTextHeight=line)
