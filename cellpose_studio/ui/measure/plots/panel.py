"""The plots of the Measure tab, and the choices of what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QSignalBlocker, Qt, QTimer, Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from cellpose_studio.core.measure.summary import CLASS
from cellpose_studio.ui.measure.plots.data import WITHOUT, Groups, groups_of
from cellpose_studio.ui.measure.plots.plot import MeasurementPlot
from cellpose_studio.ui.measure.table.rows import SUMMARY, TRACK, Field, Rows
from cellpose_studio.ui.widgets.form import keep_narrow

_KINDS = {
    "histogram": ("Histogram", "How many cells have which value."),
    "scatter": ("Scatter plot", "One point for each cell, by two measurements."),
    "groups": ("By group", "The values of groups side by side, with their quartiles."),
}
_PLOT_TIP = (
    "<qt>Drag over cells to choose them, here, in the table and on the image. Click "
    "to choose none. The wheel zooms; a double click shows all again.</qt>"
)
_FIRST = ("area", "volume")
_SECOND = ("roundness", "speed")
"""Measurements that are plotted at first, those that there are."""
_NO_GROUPS = "no groups"
_NO_CLASS = "#808080"
_TOOLTIP = Qt.ItemDataRole.ToolTipRole

Indices = npt.NDArray[np.intp]


class PlotPanel(QWidget):
    """Plots the rows that the table lists."""

    brushed = Signal(object)  # indices of the chosen rows

    def __init__(self) -> None:
        super().__init__()
        self._rows = Rows()
        self._listed: Indices = np.zeros(0, np.intp)
        self._chosen: Indices = np.zeros(0, np.intp)
        self._offered: tuple[Field, ...] = ()
        self._class_colours: Mapping[str, str] = {}
        self.plot = MeasurementPlot()
        self.plot.setToolTip(_PLOT_TIP)
        self.kind, self.group = QComboBox(), QComboBox()
        self.x, self.y = QComboBox(), QComboBox()
        self._lay_out()
        # What changes together is drawn once, and not in the turn of the event loop in
        # which the table changes.
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._draw)
        for box in (self.kind, self.x, self.y, self.group):
            box.activated.connect(lambda _: self._timer.start())
        self.plot.recoloured.connect(self._timer.start)
        self.plot.brushed.connect(
            lambda mask: self.brushed.emit(self._listed[np.flatnonzero(mask)])
        )

    def show_rows(self, rows: Rows, listed: Indices) -> None:
        """Plot the listed rows."""
        if rows is not self._rows:
            self._chosen = np.zeros(0, np.intp)
        self._rows, self._listed = rows, listed
        # While there are no rows, the choices stay.
        if rows.fields and rows.fields != self._offered:
            self._offered = rows.fields
            texts = [one for one in rows.fields if one.is_text]
            _refill(self.x, rows.numbers, _FIRST)
            _refill(self.y, rows.numbers, _SECOND)
            _refill(self.group, texts, (), none=_NO_GROUPS)
        self._timer.start()

    def show_chosen(self, rows: Indices) -> None:
        """Draw rows that are chosen over the others."""
        self._chosen = rows
        # Else it is drawn with the rows.
        if not self._timer.isActive():
            self._draw_chosen()

    def set_class_colours(self, colours: Mapping[str, str]) -> None:
        """Draw classes in their colours, "#rrggbb" by the name of the class."""
        self._class_colours = {**colours, WITHOUT: _NO_CLASS}
        if self.group.currentData() == CLASS:
            self._timer.start()

    def _lay_out(self) -> None:
        for key, (text, tip) in _KINDS.items():
            self.kind.addItem(text, key)
            self.kind.setItemData(self.kind.count() - 1, tip, _TOOLTIP)
        names = ("plotKind", "plotGroup", "plotX", "plotY")
        titles = ("Kind of plot", "Groups", "Measurement along X", "and along Y")
        tips = (
            "Choose the kind of plot.",
            "Colour the plot by groups of cells.",
            "Choose the measurement along the X axis.",
            "Choose the measurement along the Y axis.",
        )
        boxes = (self.kind, self.group, self.x, self.y)
        for box, name, title, tip in zip(boxes, names, titles, tips, strict=True):
            box.setObjectName(name)
            box.setAccessibleName(title)
            box.setToolTip(tip)
            # A narrow column would not hold the longest text.
            keep_narrow(box, 6)
        self.x_label, self.y_label = QLabel("X"), QLabel("Y")
        grid = QGridLayout()
        grid.setSpacing(4)
        grid.addWidget(QLabel("Plot"), 0, 0)
        grid.addWidget(self.kind, 0, 1)
        grid.addWidget(self.group, 0, 3)
        grid.addWidget(self.x_label, 1, 0)
        grid.addWidget(self.x, 1, 1)
        grid.addWidget(self.y_label, 1, 2)
        grid.addWidget(self.y, 1, 3)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(4)
        column.addLayout(grid)
        column.addWidget(self.plot, 1)

    def _draw(self) -> None:
        rows, kind = self._rows, self.kind.currentData()
        is_scatter = kind == "scatter"
        for widget in (self.y_label, self.y):
            widget.setVisible(is_scatter)
        # Groups stand side by side along X.
        self.x_label.setText("Y" if kind == "groups" else "X")
        x = rows.by_name.get(self.x.currentData())
        y = rows.by_name.get(self.y.currentData())
        if x is None or y is None or not len(self._listed):
            self.plot.show_nothing()
            return
        values = rows.values[x.name][self._listed].astype(np.float64)
        groups = self._groups()
        if is_scatter:
            other = rows.values[y.name][self._listed].astype(np.float64)
            self.plot.show_points(values, other, (x.heading, y.heading), groups)
        elif kind == "groups":
            every = groups or groups_of(np.full(len(values), "all cells"))
            self.plot.show_groups(values, x.heading, every)
        else:
            self.plot.show_histogram(values, x.heading, groups, _counted(rows))
        self._draw_chosen()

    def _draw_chosen(self) -> None:
        self.plot.show_chosen(np.isin(self._listed, self._chosen))

    def _groups(self) -> Groups | None:
        name = self.group.currentData()
        if name not in self._rows.by_name:
            return None
        found = groups_of(self._rows.values[name][self._listed])
        return replace(found, colours=self._class_colours) if name == CLASS else found


def _counted(rows: Rows) -> str:
    """Return what rows are of."""
    groups = {one.group for one in rows.fields}
    if SUMMARY in groups:
        return "Images"
    return "Tracks" if TRACK in groups else "Cells"


def _refill(
    box: QComboBox, fields: Sequence[Field], first: Sequence[str], none: str = ""
) -> None:
    """Offer other fields; the one chosen before stays if it is among them.

    Parameters
    ----------
    first
        Keys of the fields to choose at first: the first of them that there is.
    none
        Text of the entry for no field.
    """
    before = box.currentData()
    with QSignalBlocker(box):
        box.clear()
        if none:
            box.addItem(none, "")
        for one in fields:
            box.addItem(one.heading, one.name)
        keys = [one.key for one in fields]
        at = next((keys.index(one) for one in first if one in keys), 0)
        found = box.findData(before) if before is not None else -1
        box.setCurrentIndex(found if found >= 0 else at)
