"""What the Measure tab shows: the table of cells, and what can be done with it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QApplication,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.background.table_measurer import TableMeasurer
from cellpose_studio.core.measure.measurements import Measurements
from cellpose_studio.core.wording import cell_count
from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.display.cell_colouring import CellColouring, Measure
from cellpose_studio.ui.measure.cell_link import CellLink
from cellpose_studio.ui.measure.clipboard import table_text
from cellpose_studio.ui.measure.column_chooser import ColumnChooser
from cellpose_studio.ui.measure.plot_panel import PlotPanel
from cellpose_studio.ui.measure.rows import Rows, rows_of
from cellpose_studio.ui.measure.several_highlight import SeveralHighlight
from cellpose_studio.ui.measure.table import MeasurementTable
from cellpose_studio.ui.measure.table_model import decimal_point
from cellpose_studio.ui.services import Services

_NO_IMAGE = "Open an image to measure its cells."
_NO_MASKS = "No cells to measure yet: run a model, or draw some cells."
_MEASURING = "Measuring…"

Indices = npt.NDArray[np.intp]


class MeasureContent(QWidget):
    """Lists the cells that were measured, linked with those on the canvas.

    Parameters
    ----------
    measurer
        Measures the cells of the masks shown.
    colouring
        Colours them on the canvas.
    """

    def __init__(
        self,
        services: Services,
        canvas: Canvas,
        measurer: TableMeasurer,
        colouring: CellColouring,
    ) -> None:
        super().__init__()
        self._services = services
        self._session = services.session
        self._selection = services.selection
        self._canvas = canvas
        self._measurer = measurer
        self._colouring = colouring
        self.link = CellLink(services.session, canvas, services.selection)
        self.highlight = SeveralHighlight(services, canvas)
        self.table = MeasurementTable()
        self.plots = PlotPanel()
        self.rows = Rows()
        self._choosing = False
        self._lay_out()
        self._connect()
        self._on_measured(measurer.table)

    # Commands

    def copy(self) -> None:
        """Copy the selected rows, or all listed ones, to the clipboard."""
        rows, fields, which = self.rows, self.table.model.fields, self.to_copy()
        decimal = decimal_point()

        def done(text: str) -> None:
            QApplication.clipboard().setText(text)
            what = cell_count(len(which))
            self._services.messages.note(f"Copied {what} with the titles of columns.")

        # Ten thousand rows take longer than the window may be held.
        self._services.run(
            "Copying cells",
            lambda _: table_text(rows, fields, which, decimal),
            done,
            quiet=True,
        )

    def to_copy(self) -> Indices:
        """Return the rows to copy: selected ones, marked ones, or all listed ones."""
        selected = self.table.selected()
        if len(selected) > 1:
            return np.array(selected, np.intp)
        marked, listed = self.table.model.marked, self.table.model.listed
        if len(marked):
            return listed[np.isin(listed, marked)]
        return listed

    def choose_columns(self) -> None:
        """Show the list of columns to choose from."""
        keys = self._services.settings.measure_columns
        chooser = ColumnChooser(self.rows.fields, keys, self)
        chooser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chooser.changed.connect(self._set_columns)
        chooser.show()

    # Building

    def _lay_out(self) -> None:
        self.empty = QLabel(objectName="measureEmpty", wordWrap=True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.count = QLabel(objectName="measureCount")
        self.columns_button = QPushButton("Columns…", objectName="measureColumns")
        self.columns_button.setToolTip(
            "Choose the measurements that the table shows; it remembers them."
        )
        self.copy_button = QPushButton("Copy", objectName="measureCopy")
        self.copy_button.setToolTip(
            "Copy the selected cells, or all listed ones, for a spreadsheet (Ctrl+C in "
            "the table)."
        )
        row = QHBoxLayout()
        row.addWidget(self.count, 1)
        row.addWidget(self.columns_button)
        row.addWidget(self.copy_button)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.table, 1)
        column.addLayout(row)
        column.addLayout(self._colour_row())
        self.parts = QSplitter(Qt.Orientation.Vertical)
        self.parts.setChildrenCollapsible(False)
        self.parts.addWidget(page)
        self.parts.addWidget(self.plots)
        self.parts.setStretchFactor(0, 3)
        self.parts.setStretchFactor(1, 2)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.empty)
        self.pages.addWidget(self.parts)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(8, 8, 8, 8)
        whole.addWidget(self.pages, 1)

    def _colour_row(self) -> QHBoxLayout:
        self.colour = QComboBox(objectName="measureColour")
        self.colour.setToolTip(
            "Colour the cells on the image by a measurement: dark violet for the "
            "lowest values, yellow for the highest."
        )
        self.colour.setMinimumContentsLength(8)
        row = QHBoxLayout()
        row.addWidget(QLabel("Colour cells by"))
        row.addWidget(self.colour, 1)
        return row

    def _connect(self) -> None:
        self._measurer.changed.connect(self._on_measured)
        self._measurer.busy_changed.connect(self._on_busy)
        self._selection.changed.connect(self._follow)
        self._selection.several_changed.connect(self._on_several)
        self._canvas.plane_changed.connect(self._follow)
        self.table.chosen.connect(self._on_chosen)
        self.table.several_chosen.connect(self._on_several_chosen)
        self.table.rows_changed.connect(self._on_rows)
        self.table.copy_requested.connect(self.copy)
        self.plots.brushed.connect(self._on_brushed)
        self.colour.activated.connect(self._on_colour)
        self._colouring.changed.connect(self._show_colour)
        self.copy_button.clicked.connect(lambda: self.copy())
        self.columns_button.clicked.connect(lambda: self.choose_columns())

    # Signals

    def _on_measured(self, measured: Measurements | None) -> None:
        image = self._session.shown
        if measured is None or image is None:
            self._show(Rows())
        else:
            self._show(rows_of(measured, image.id))

    def _show(self, rows: Rows) -> None:
        is_other = rows.fields != self.rows.fields
        self.rows = rows
        if is_other:
            self.colour.clear()
            self.colour.addItem("their own colours", "")
            for one in rows.numbers:
                self.colour.addItem(one.heading, one.name)
            self._show_colour()
        self.table.show(rows, self._services.settings.measure_columns)
        self._refresh()

    def _set_columns(self, keys: list[str]) -> None:
        self._services.settings.measure_columns = keys
        self.table.show(self.rows, keys)

    def _on_colour(self, _: int) -> None:
        one = self.rows.by_name.get(self.colour.currentData())
        if one is None:
            self._colouring.choose(None)
        else:
            self._colouring.choose(Measure(one.key, one.channel), one.heading)

    def _show_colour(self) -> None:
        """Show which measurement the cells are coloured by."""
        measure = self._colouring.measure
        shown = (
            n
            for n, one in enumerate(self.rows.numbers, start=1)
            if Measure(one.key, one.channel) == measure
        )
        self.colour.setCurrentIndex(next(shown, 0))

    def _on_busy(self, _: bool) -> None:
        self._refresh()

    def _on_rows(self) -> None:
        self.plots.show_rows(self.rows, self.table.model.listed)
        self._on_several()
        self._refresh()

    def _on_chosen(self, row: int) -> None:
        rows = self.rows
        image, cell, time = rows.images[row], rows.cells[row], rows.times[row]
        self.link.show((int(image), int(cell), int(time)))

    def _on_several_chosen(self, selected: list[int]) -> None:
        self._choose(np.array(selected, np.intp))

    def _on_brushed(self, chosen: Indices) -> None:
        self.table.view.clearSelection()
        self._choose(chosen)

    def _choose(self, chosen: Indices) -> None:
        """Choose the cells of rows; those of other images are marked only here."""
        image = self._session.shown
        here = chosen[self.rows.images[chosen] == (image.id if image else -1)]
        cells = self.rows.cells[here].tolist()
        self._choosing = True
        self._selection.select(cells[0] if len(set(cells)) == 1 else 0, cells)
        self._choosing = False
        self._mark(chosen)

    def _mark(self, chosen: Indices) -> None:
        self.table.mark(chosen)
        self.plots.show_chosen(chosen)
        self._refresh()

    def _follow(self, *_: object) -> None:
        """Show which cell is chosen, at the time point that is shown."""
        if self._choosing or self._selection.several:
            return
        image, cell = self._session.shown, self._selection.cell
        row = -1
        if image is not None and cell:
            time = self._canvas.planes.get("T", 0)
            row = self.rows.row(cell, image.id, time)
        self.table.follow(row)
        self._mark(np.array([row] if row >= 0 else [], np.intp))

    def _on_several(self) -> None:
        """Show which cells are chosen together."""
        if self._choosing:
            return
        image, several = self._session.shown, self._selection.several
        if image is None or not several:
            self._follow()
            return
        cells = np.array(sorted(several), np.uint32)
        here = (self.rows.images == image.id) & np.isin(self.rows.cells, cells)
        self._mark(np.flatnonzero(here))

    def _refresh(self) -> None:
        """Update the number of cells, or the reason why there are none."""
        image, busy = self._session.shown, self._measurer.busy
        self.pages.setCurrentIndex(1 if len(self.rows) else 0)
        if busy:
            self.empty.setText(_MEASURING)
        elif image is None:
            self.empty.setText(_NO_IMAGE)
        elif image.masks is None or not image.masks.cells:
            self.empty.setText(_NO_MASKS)
        else:
            self.empty.setText("")
        listed, every = len(self.table.model.listed), len(self.rows)
        text = cell_count(every)
        if listed != every:
            text = f"{listed:,} of {text}"
        if chosen := len(self.table.model.marked):
            text = f"{text} · {chosen:,} chosen"
        self.count.setText(f"{text} · measuring…" if busy and every else text)
