"""Table of cells with a filter above it."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QSize, Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QSizePolicy,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.core.provenance.revision import CellStatus
from cellpose_studio.core.review.filter import parsed
from cellpose_studio.core.review.queue import Review
from cellpose_studio.ui.curate.cell_table_model import (
    HEADS,
    TABLE,
    ReviewModel,
    column_at,
)
from cellpose_studio.ui.widgets.cell_status import STATUS_WORDS
from cellpose_studio.ui.widgets.tables.filter_line import FilterLine
from cellpose_studio.ui.widgets.tables.select_row import select_row
from cellpose_studio.ui.widgets.tables.table_of_cells import fit_rows, table_of_cells

_TIP = (
    "<qt>Show only cells that meet all conditions: <b>area&lt;50</b>, "
    "<b>uncertainty&gt;0.5 border=0</b>, <b>prob&lt;80%</b>, <b>shape&lt;0.6</b>, "
    "<b>flow&gt;0.2</b>, <b>px&gt;900</b>, or the number of a cell.</qt>"
)

_ARROW = 26
"""Width of the arrow that shows the order, and of the margins of a title, px."""
_MARGINS, _TIGHT = 8, 2
_LONGEST = column_at("uncertainty")
"""The column whose title may be shortened."""


class ReviewTable(QWidget):
    """Lists cells to choose from, initially the most uncertain first."""

    chosen = Signal(object)  # id of a cell, by the mouse or the arrow keys
    selection_changed = Signal()  # other rows are selected than before

    def __init__(self) -> None:
        super().__init__()
        self.model = ReviewModel()
        self._following = False
        self._lay_out()
        # Qt ignores widths that are set while it resizes the sections.
        self._fitting = QTimer(self, singleShot=True, interval=0)
        self._fitting.timeout.connect(self._fit_title)
        self.view.horizontalHeader().sectionResized.connect(
            lambda *_: self._fitting.start()
        )
        self.filter.textChanged.connect(self._on_filter)
        self.status.currentIndexChanged.connect(self._on_filter)
        # Both signals are needed: the mouse makes a row current before it selects it,
        # the keys after.
        selection = self.view.selectionModel()
        selection.currentRowChanged.connect(self._on_chosen)
        selection.selectionChanged.connect(self._on_chosen)
        selection.selectionChanged.connect(lambda *_: self.selection_changed.emit())

    def show(
        self,
        review: Review | None,
        statuses: dict[int, CellStatus],
        area: float = 1.0,
        unit: str = "pixels",
    ) -> None:
        """List the cells of a review; ``area`` is that of a pixel in ``unit``."""
        with _Following(self):
            self.model.show(review, statuses, area, unit)
        for at, column in enumerate(TABLE):
            if column.from_network:
                # Masks that come from no network have no values for these columns.
                self.view.setColumnHidden(at, not self.model.has_values(at))

    def set_statuses(
        self, statuses: dict[int, CellStatus | None], review: Review | None = None
    ) -> None:
        """Update the status of some cells; ``review`` is what is known of all now."""
        with _Following(self):
            self.model.set_statuses(statuses, review)

    def follow(self, cell: int) -> None:
        """Select the row of a cell that was chosen elsewhere; 0 for none."""
        row = self.model.row_of(cell) if cell else -1
        # Making the row current again would deselect the other selected rows.
        if row == self._chosen_row():
            return
        with _Following(self):
            if row >= 0:
                select_row(self.view, self.model.index(row, 0))
            else:
                self.view.selectionModel().clear()

    def selected(self) -> list[int]:
        """Return the cells of the selected rows, from top to bottom."""
        rows = self.view.selectionModel().selectedRows()
        return [self.model.cell(row) for row in sorted(index.row() for index in rows)]

    def _lay_out(self) -> None:
        self.filter = FilterLine("cellFilter", "Filter: area<50")
        self.filter.setAccessibleName("Filter the cells")
        self.filter.setToolTip(_TIP)
        self.status = _status_box()
        self.view = _view(self.model)
        self.view.setAccessibleName("Cells to review")
        self.view.setToolTip("Click a row to see the cell; a title sorts by it.")
        self.filter.set_list(self.view)
        row = QHBoxLayout()
        row.addWidget(self.filter, 3)
        row.addWidget(self.status, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.view, 1)

    def changeEvent(self, event: QEvent) -> None:
        """Follow other letters; Qt calls this."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            fit_rows(self.view)
            _set_widths(self.view)

    def _fit_title(self) -> None:
        """Give the longest title the room that the column of areas has to spare."""
        at, area = column_at("uncertainty"), column_at("area")
        heads, title = self.view.horizontalHeader(), HEADS[at].title
        metrics = heads.fontMetrics()
        full = metrics.horizontalAdvance(title) + _ARROW
        others = sum(heads.sectionSize(n) for n in range(len(HEADS)) if n != at)
        others += HEADS[area].width - heads.sectionSize(area)
        width = max(min(heads.viewport().width() - others, full), HEADS[at].width)
        self.view.setColumnWidth(at, width)
        # Qt would cut off both ends of the title.
        end = Qt.TextElideMode.ElideRight
        self.model.shorten(at, metrics.elidedText(title, end, width - _MARGINS))

    def _on_filter(self, _: object) -> None:
        """Apply the filter; show an error at the line if it is not understood."""
        try:
            terms = parsed(self.filter.text())
        except ValueError as error:
            # The rows stay as they are while a condition is being typed.
            self._show_error(str(error))
            return
        self._show_error("")
        with _Following(self):
            self.model.set_filter(terms, self.status.currentData())

    def _show_error(self, message: str) -> None:
        """Show an error at the filter; "" removes it."""
        self.filter.setToolTip(message or _TIP)
        self.filter.setProperty("wrong", bool(message))
        # Qt evaluates properties in style sheets only when a widget is polished.
        self.filter.style().unpolish(self.filter)
        self.filter.style().polish(self.filter)

    def _on_chosen(self, *_: object) -> None:
        row = self._chosen_row()
        if row >= 0 and not self._following:
            self.chosen.emit(self.model.cell(row))

    def _chosen_row(self) -> int:
        """Return the row that is current and selected, -1 for none.

        On focus, Qt makes the first row current without selecting it.
        """
        current = self.view.currentIndex()
        selected = self.view.selectionModel().isSelected(current)
        return int(current.row()) if current.isValid() and selected else -1


class _Following:
    """Context in which changes of the selection do not emit `ReviewTable.chosen`."""

    def __init__(self, table: ReviewTable) -> None:
        self._table = table

    def __enter__(self) -> None:
        self._table._following = True

    def __exit__(self, *_: object) -> None:
        self._table._following = False


def _view(model: ReviewModel) -> QTableView:
    view = table_of_cells(model, "cells")
    view.sortByColumn(column_at("uncertainty"), Qt.SortOrder.DescendingOrder)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    heads = view.horizontalHeader()
    heads.setMinimumSectionSize(min(head.width for head in HEADS))
    _set_widths(view)
    heads.setSectionResizeMode(column_at("area"), QHeaderView.ResizeMode.Stretch)
    return view


def _set_widths(view: QTableView) -> None:
    """Give columns their widths, and short titles the room of their letters."""
    metrics = view.horizontalHeader().fontMetrics()
    for at, head in enumerate(HEADS):
        title = metrics.horizontalAdvance(head.title) + _TIGHT
        view.setColumnWidth(
            at, head.width if at == _LONGEST else max(head.width, title)
        )


def _status_box() -> QComboBox:
    box = QComboBox(objectName="cellStatus")
    box.setAccessibleName("Status of the cells listed")
    box.setToolTip("Show only cells with this status.")
    box.addItem("All cells", None)
    box.addItem("To review", "")
    for status, words in STATUS_WORDS.items():
        box.addItem(words, status)
    box.setIconSize(QSize(12, 12))
    box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return box
