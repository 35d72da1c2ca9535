"""Plot of measurements in which cells are chosen by dragging over them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QWidget

from cellpose_studio.core.display.cell_colours import class_colours, value_palette
from cellpose_studio.ui.measure.plots.data import Groups, Values, beside, bin_edges
from cellpose_studio.ui.measure.plots.points import PlainPoints
from cellpose_studio.ui.widgets.theme_follower import ThemeFollower

_MOST_POINTS = 20_000
"""More points than that are drawn as their density."""
_DENSITY = (120, 80)
_POINT, _CHOSEN_POINT = 5, 7  # px
_LIGHT = 140
"""Brightness of the text, 0 to 255, above which the theme is dark."""

Mask = npt.NDArray[np.bool_]


class _BrushBox(pg.ViewBox):
    """View in which a drag chooses what lies in a rectangle."""

    dragged = Signal(object)  # QRectF in the coordinates of the data
    cleared = Signal()

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.setMouseMode(pg.ViewBox.RectMode)

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        """Draw the rectangle, and report it at the end; pyqtgraph calls this."""
        if event.button() != Qt.MouseButton.LeftButton or axis is not None:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        start, end = QPointF(event.buttonDownPos()), QPointF(event.pos())
        if event.isFinish():
            self.rbScaleBox.hide()
            box = QRectF(start, end).normalized()
            self.dragged.emit(self.childGroup.mapRectFromParent(box))
        else:
            self.updateScaleBox(event.buttonDownPos(), event.pos())

    def mouseClickEvent(self, event: Any) -> None:
        """Choose nothing; a double click shows all again. pyqtgraph calls this."""
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
            if event.double():
                self.autoRange()
            self.cleared.emit()


class MeasurementPlot(pg.PlotWidget):
    """Histogram or points of rows; a drag chooses rows."""

    brushed = Signal(object)  # (N,) mask of the rows
    recoloured = Signal()  # the theme has changed: what is drawn has old colours

    def __init__(self, parent: QWidget | None = None) -> None:
        self._box = _BrushBox()
        super().__init__(parent, viewBox=self._box)
        self.setObjectName("measurePlot")
        self.setMinimumHeight(120)
        # The plot must not take the keys that are shortcuts of the window.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hideButtons()
        self._x: Values = np.zeros(0)
        self._y: Values | None = None
        self._draw_chosen: Any = None
        self._edges: Values = np.array([0.0, 1.0])
        self._chosen: Mask = np.zeros(0, bool)
        self._marks = PlainPoints(size=_CHOSEN_POINT, pen=None)
        self._bars = pg.BarGraphItem(x=[], height=[], width=1)
        self._legend = self.addLegend(offset=(-4, 4), labelTextSize="8pt")
        self._box.dragged.connect(self._on_dragged)
        self._box.cleared.connect(lambda: self._choose(np.zeros(len(self._x), bool)))
        for side in ("bottom", "left"):
            # A factor in the title would have to be multiplied by each reader.
            self.getAxis(side).enableAutoSIPrefix(False)
        self._theme = ""
        ThemeFollower(self, self._apply_theme)

    def show_histogram(
        self, values: Values, title: str, groups: Groups | None, counted: str
    ) -> None:
        """Show how many rows have which value, by group if there are any.

        ``counted`` says what the rows are of.
        """
        self._begin(values, None)
        self._edges = edges = bin_edges(values)
        if groups is None:
            counts, _ = np.histogram(values[np.isfinite(values)], edges)
            self._add_bars(counts, self._text(90))
        else:
            for code, name in enumerate(groups.names):
                inside = np.isfinite(values) & (groups.codes == code)
                counts, _ = np.histogram(values[inside], edges)
                pen = pg.mkPen(_colour(groups, code), width=2)
                self.plot(edges, counts, stepMode="center", pen=pen, name=name)
        self.addItem(self._bars)
        self._label(title, counted)
        self._box.setLimits(yMin=0)
        self._box.autoRange()

    def show_points(
        self, x: Values, y: Values, titles: tuple[str, str], groups: Groups | None
    ) -> None:
        """Show a point for each row."""
        self._begin(x, y)
        self._add_points(x, y, groups)
        self._label(*titles)
        self._box.autoRange()

    def show_groups(self, values: Values, title: str, groups: Groups) -> None:
        """Show the values of groups side by side, with their median and quartiles."""
        x = beside(groups)
        self._begin(x, values)
        self._add_points(x, values, groups)
        for code in range(len(groups.names)):
            inside = values[(groups.codes == code) & np.isfinite(values)]
            if len(inside):
                self._add_box(code, np.percentile(inside, [25, 50, 75]))
        self._label("", title)
        self.getAxis("bottom").setTicks([[*enumerate(groups.names)]])
        self._legend.clear()
        self._box.autoRange()

    def show_nothing(self) -> None:
        """Remove everything."""
        self._begin(np.zeros(0), None)

    def show_chosen(self, chosen: Mask) -> None:
        """Draw rows that are chosen over the others."""
        if len(chosen) != len(self._x):
            return
        self._chosen = chosen
        known = chosen & self._known()
        if self._y is None:
            counts, _ = np.histogram(self._x[known], self._edges)
            if not known.any():
                counts[:] = 0
            middle, width = _middles(self._edges)
            self._bars.setOpts(
                x=middle, height=counts, width=width, brush=self._bright(), pen=None
            )
        else:
            at = np.flatnonzero(known)[:_MOST_POINTS]
            self._marks.setData(x=self._x[at], y=self._y[at], brush=self._bright())

    # Within

    def _begin(self, x: Values, y: Values | None) -> None:
        self.clear()
        self._legend.clear()
        self._box.setLimits(yMin=None)
        self.getAxis("bottom").setTicks(None)
        self._x, self._y = x, y
        self._chosen = np.zeros(len(x), bool)
        self._marks.setData(x=[], y=[])
        self._bars.setOpts(x=[], height=[], width=1)

    def _add_bars(self, counts: npt.NDArray[np.int64], colour: QColor) -> None:
        middle, width = _middles(self._edges)
        self.addItem(
            pg.BarGraphItem(
                x=middle, height=counts, width=width, brush=colour, pen=None
            )
        )

    def _add_points(self, x: Values, y: Values, groups: Groups | None) -> None:
        known = self._known()
        if known.sum() > _MOST_POINTS:
            self._add_density(x[known], y[known])
        else:
            parts = range(len(groups.names)) if groups is not None else (None,)
            for code in parts:
                at = known if groups is None else known & (groups.codes == code)
                colour, name = self._text(150), None
                if groups is not None and code is not None:
                    colour, name = _colour(groups, code), groups.names[code]
                self.addItem(
                    PlainPoints(
                        x=x[at], y=y[at], size=_POINT, pen=None, brush=colour, name=name
                    )
                )
        self.addItem(self._marks)

    def _add_density(self, x: Values, y: Values) -> None:
        counts, across, up = np.histogram2d(x, y, bins=_DENSITY)
        image = pg.ImageItem(np.log1p(counts))
        image.setRect(QRectF(across[0], up[0], np.ptp(across), np.ptp(up)))
        table = np.round(value_palette()[:-1] * 255).astype(np.uint8)
        opaque = np.concatenate([table, np.full((len(table), 1), 255, "u1")], axis=1)
        opaque[0, 3] = 0
        image.setLookupTable(opaque)
        self.addItem(image)

    def _add_box(self, code: int, quartiles: Values) -> None:
        low, middle, high = quartiles.tolist()
        pen = pg.mkPen(self._text(255), width=2)
        for value, half in ((low, 0.2), (middle, 0.35), (high, 0.2)):
            line = ([code - half, code + half], [value, value])
            self.plot(*line, pen=pen)
        self.plot([code, code], [low, high], pen=pg.mkPen(self._text(255), width=1))

    def _label(self, bottom: str, left: str) -> None:
        self.setLabel("bottom", bottom)
        self.setLabel("left", left)

    def _known(self) -> Mask:
        known = np.isfinite(self._x)
        return known if self._y is None else known & np.isfinite(self._y)

    def _on_dragged(self, box: QRectF) -> None:
        inside = (self._x >= box.left()) & (self._x <= box.right())
        if self._y is not None:
            inside &= (self._y >= box.top()) & (self._y <= box.bottom())
        self._choose(inside)

    def _choose(self, chosen: Mask) -> None:
        self.show_chosen(chosen)
        self.brushed.emit(chosen)

    def _text(self, alpha: int) -> QColor:
        colour = QColor(self.palette().color(QPalette.ColorRole.WindowText))
        colour.setAlpha(alpha)
        return colour

    def _bright(self) -> QColor:
        return QColor("#ffd400" if self._text(255).lightness() > _LIGHT else "#c05800")

    def _apply_theme(self) -> None:
        self.setBackground(None)
        for side in ("bottom", "left"):
            axis = self.getAxis(side)
            axis.setPen(pg.mkPen(self._text(120)))
            axis.setTextPen(pg.mkPen(self._text(255)))
        self._legend.setLabelTextColor(self._text(255))
        before, self._theme = self._theme, self._text(255).name()
        if before != self._theme:
            self.recoloured.emit()


def _middles(edges: Values) -> tuple[Values, float]:
    return (edges[:-1] + edges[1:]) / 2, float(edges[1] - edges[0])


def _colour(groups: Groups, code: int) -> QColor:
    if own := groups.colours.get(groups.names[code]):
        return QColor(own)
    colours = class_colours()
    return QColor.fromRgbF(*map(float, colours[code % len(colours)]))
