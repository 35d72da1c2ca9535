"""The box of the Measure tab that colours the cells on the canvas."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from cellpose_studio.core.display.cell_colours import value_limits
from cellpose_studio.ui.display.cell_colouring import (
    CLASS,
    CellColouring,
    Measure,
    columns_of,
)
from cellpose_studio.ui.measure.table.rows import Rows
from cellpose_studio.ui.widgets.form import keep_narrow

_TIP = (
    "Colour the cells on the image by a measurement: dark violet for the lowest "
    "values, yellow for the highest."
)


class ColourChoice(QWidget):
    """Offers the measurements of the rows listed, and shows which one is in use.

    Attributes
    ----------
    box
        Its data are the names of columns; "" for the cells' own colours.
    """

    def __init__(self, colouring: CellColouring) -> None:
        super().__init__()
        self._colouring = colouring
        self._rows = Rows()
        self._of_all = False
        self.box = QComboBox(objectName="measureColour", toolTip=_TIP)
        self.box.setAccessibleName("Measurement that colours the cells")
        # A long title of a measurement must not widen the panel.
        keep_narrow(self.box, 8)
        label = QLabel("Colour cells by", toolTip=_TIP)
        label.setBuddy(self.box)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(label)
        row.addWidget(self.box, 1)
        self.box.activated.connect(lambda _: self.apply())
        colouring.changed.connect(self._show)

    def set_rows(self, rows: Rows, of_cells: bool, of_all: bool) -> None:
        """Offer the measurements of rows.

        Parameters
        ----------
        of_cells
            Only values of cells colour them; others leave the choice as it is.
        of_all
            Whether the rows are the cells of all images, which share a scale.
        """
        is_other = rows.fields != self._rows.fields
        self._rows, self._of_all = rows, of_all
        # While nothing is known, the choice stays.
        if rows.fields and is_other and of_cells:
            self.box.clear()
            self.box.addItem("their own colours", "")
            for one in rows.colouring:
                self.box.addItem(one.heading, one.name)
            self._show()
        self.box.setEnabled(of_cells)

    def rescale(self) -> None:
        """Give the colours the scale of the cells that are listed."""
        # Without rows, nothing is known of them yet.
        if self.box.isEnabled() and len(self._rows) and self.box.currentData():
            self.apply()

    def apply(self) -> None:
        """Colour the cells by the column that is chosen."""
        one = self._rows.by_name.get(self.box.currentData())
        if one is None:
            self._colouring.choose(None)
        elif one.name == CLASS.name:
            self._colouring.choose(CLASS, one.heading)
        else:
            limits = value_limits(self._rows.values[one.name]) if self._of_all else None
            measure = Measure(one.key, one.channel)
            self._colouring.choose(measure, one.heading, limits, one.name)

    def _show(self) -> None:
        """Show which measurement the cells are coloured by."""
        measure = self._colouring.measure
        if measure is None:
            self.box.setCurrentIndex(0)
            return
        # Where images differ, a measurement is listed in px and in µm.
        shown = [one.name for one in columns_of(measure, self._rows.colouring)]
        shown.sort(key=lambda name: name != self._colouring.column)
        # Of one that these cells do not have, the title stands in the box.
        self.box.setPlaceholderText(self._colouring.title)
        self.box.setCurrentIndex(self.box.findData(shown[0]) if shown else -1)
