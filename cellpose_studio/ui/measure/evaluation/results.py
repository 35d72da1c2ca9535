"""Tables and the plot of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableView,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.core.matching.evaluation.errors import (
    ERROR_STATES,
    ERROR_TEXTS,
    CellError,
)
from cellpose_studio.ui.canvas.pictures import COLOURS
from cellpose_studio.ui.measure.evaluation.model import ResultModel, TableHead
from cellpose_studio.ui.measure.evaluation.plot import PrecisionPlot
from cellpose_studio.ui.measure.evaluation.texts import (
    CLASS_HEADS,
    ERROR_HEADS,
    IMAGE_HEADS,
    LETTERS,
    Row,
    class_rows,
    frame_name,
    image_rows,
    summary_heads,
    summary_rows,
    summary_tips,
)
from cellpose_studio.workflows.evaluation.items import EvaluatedImages

_NO_CLASSES = (
    "None of these cells is in a class. Put cells into classes by the tool Classify "
    "(C) or in Measure ▸ Cells, and evaluate again. Earlier masks have no classes."
)


class WrongCell(NamedTuple):
    """A row of the list of wrong cells; ``name`` is that of its image and frame."""

    image: int
    name: str
    error: CellError


class EvaluationResults(QTabWidget):
    """Shows one result, or two side by side."""

    image_chosen = Signal(int, int)  # id, frame or -1
    error_chosen = Signal(object)  # WrongCell
    colours_changed = Signal()

    def __init__(self) -> None:
        super().__init__(objectName="evaluationResults")
        self.setDocumentMode(True)
        self.results: list[EvaluatedImages] = []
        self._targets: list[tuple[int, int]] = []
        self.wrong: list[WrongCell] = []
        self.summary, self._summary = _table("evaluationSummary", "Scores", [])
        self.images, self._images = _table(
            "evaluationImages", "Scores of images", IMAGE_HEADS
        )
        self.errors, self._errors = _table(
            "evaluationErrors", "Wrong cells", ERROR_HEADS
        )
        self.classes, self._classes = _table(
            "evaluationClasses", "Scores of classes", CLASS_HEADS
        )
        self.plot = PrecisionPlot()
        self.addTab(self.summary, "Scores")
        self.addTab(self.images, "Images")
        self.addTab(self.plot, "Plot")
        self.addTab(self._errors_page(), "Cells")
        self.addTab(self._classes_page(), "Classes")
        for table in (self.images, self.errors, self.classes):
            table.setSortingEnabled(True)
            table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self.images.selectionModel().currentRowChanged.connect(self._on_image)
        self.errors.selectionModel().currentRowChanged.connect(self._on_error)
        self.errors.clicked.connect(self._on_error)

    @property
    def chosen(self) -> int:
        """Which result the list of wrong cells is of: 0 for A, 1 for B."""
        # B may still be chosen from an evaluation before, of two.
        return max(0, min(self.which.currentIndex(), len(self.results) - 1))

    def show_results(self, results: Sequence[EvaluatedImages]) -> None:
        """Show results, A and maybe B."""
        self.results = list(results)
        letters = LETTERS[: len(results)]
        has_total = bool(results) and all(one.total is not None for one in results)
        rows = summary_rows(results) if has_total else []
        self._summary.show(rows, summary_heads(letters), tips=summary_tips())
        shown, self._targets = image_rows(results)
        self._images.show(shown)
        of_classes = class_rows(results)
        self._classes.show(of_classes)
        self.classes.setVisible(bool(of_classes))
        self.no_classes.setHidden(not results or bool(of_classes))
        self.images.setColumnHidden(1, len(results) < 2)
        self.classes.setColumnHidden(1, len(results) < 2)
        self.which.setVisible(len(results) > 1)
        self._show_lines()
        self._show_errors()

    def row_of(self, image: int, cell: int, name: str) -> int:
        """Return the row of the wrong cells in which a cell is; -1 if it is in none.

        ``name`` is that of the masks that the cell is of, true or found.
        """
        for row, at in enumerate(self._errors.order):
            one = self._listed[at]
            if one.image != image:
                continue
            is_true, is_found = name == self.names[1], name == self.names[0]
            if is_true and cell in one.error.true:
                return row
            if is_found and cell in one.error.found:
                return row
        return -1

    names: tuple[str, str] = ("", "")
    """Names of the label sets that the found and the true cells are of; "" if these
    are not the present masks."""

    def follow(self, row: int) -> None:
        """Select a row of the wrong cells without going there."""
        selection = self.errors.selectionModel()
        selection.blockSignals(True)
        if row < 0:
            self.errors.clearSelection()
        else:
            self.errors.selectRow(row)
        selection.blockSignals(False)
        self.errors.viewport().update()

    def _errors_page(self) -> QWidget:
        page = QWidget()
        self.which = QComboBox(objectName="evaluationOf")
        self.which.addItems(list(LETTERS))
        self.which.setAccessibleName("Masks whose wrong cells are listed")
        self.which.setToolTip("Choose whose wrong cells are listed: those of A or B.")
        self.kind = QComboBox(objectName="evaluationKind")
        self.kind.setAccessibleName("Kind of wrong cells")
        self.kind.setToolTip("Choose which wrong cells are listed.")
        self.kind.addItem("All wrong cells", None)
        for kind, text in ERROR_TEXTS.items():
            self.kind.addItem(kind.capitalize(), kind)
            tip = f"{kind.capitalize()}: {text}."
            role = Qt.ItemDataRole.ToolTipRole
            self.kind.setItemData(self.kind.count() - 1, tip, role)
        self.coloured = QCheckBox("Show on image", objectName="evaluationColours")
        self.coloured.setToolTip(
            "Colour the cells of the image by what is wrong with them."
        )
        self.legend = QLabel(objectName="evaluationLegend", wordWrap=True)
        row = QHBoxLayout()
        row.addWidget(self.which)
        row.addWidget(self.kind, 1)
        row.addWidget(self.coloured)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 4, 0, 0)
        column.addLayout(row)
        column.addWidget(self.legend)
        column.addWidget(self.errors, 1)
        self.which.activated.connect(lambda _: self._show_errors())
        self.which.activated.connect(lambda _: self.colours_changed.emit())
        self.kind.activated.connect(lambda _: self._show_errors())
        self.coloured.toggled.connect(lambda _: self.colours_changed.emit())
        return page

    def _classes_page(self) -> QWidget:
        page = QWidget()
        self.no_classes = QLabel(
            _NO_CLASSES, objectName="evaluationNoClasses", wordWrap=True
        )
        self.no_classes.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.no_classes.hide()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 4, 0, 0)
        column.addWidget(self.no_classes, 1)
        column.addWidget(self.classes, 1)
        return page

    def _show_errors(self) -> None:
        result = self.results[self.chosen] if self.results else None
        self.wrong = [
            WrongCell(image.id, frame_name(image, error.frame), error)
            for image in (result.images if result is not None else ())
            for error in image.evaluation.errors
        ]
        kind = self.kind.currentData()
        self._listed = [one for one in self.wrong if kind in (None, one.error.kind)]
        rows: list[Row] = [
            (
                one.error.kind,
                one.name,
                ", ".join(map(str, one.error.true)),
                ", ".join(map(str, one.error.found)),
                one.error.iou,
                one.error.pixels,
            )
            for one in self._listed
        ]
        several = len({row[1] for row in rows}) > 1
        self.errors.setColumnHidden(1, not several)
        colours = [COLOURS[ERROR_STATES[one.error.kind]] for one in self._listed]
        self._errors.show(rows, colours=colours)
        counts = dict.fromkeys(ERROR_STATES, 0)
        for one in self.wrong:
            counts[one.error.kind] += 1
        self.legend.setText(
            " &nbsp; ".join(
                f'<span style="color:{COLOURS[state]}">■</span>&nbsp;'
                f"{counts[kind]:,}&nbsp;{kind}"
                for kind, state in ERROR_STATES.items()
            )
        )

    def _show_lines(self) -> None:
        lines = []
        thresholds: Sequence[float] = ()
        for letter, result in zip(LETTERS, self.results, strict=False):
            thresholds = result.options.thresholds
            scores = [one.evaluation.scores.ap for one in result.images]
            known = [one for one in scores if not np.isnan(one).all()]
            if known:
                means = np.mean(known, axis=0).tolist()
                lines.append((letter, means))
        self.plot.show_lines(thresholds, lines)

    def _on_image(self, index: QModelIndex, *_: QModelIndex) -> None:
        if index.isValid():
            self.image_chosen.emit(*self._targets[self._images.order[index.row()]])

    def _on_error(self, index: QModelIndex, *_: QModelIndex) -> None:
        if index.isValid():
            self.error_chosen.emit(self._listed[self._errors.order[index.row()]])


def _table(
    name: str, title: str, heads: Sequence[TableHead]
) -> tuple[QTableView, ResultModel]:
    view = QTableView(objectName=name)
    view.setAccessibleName(title)
    view.setToolTip(f"{title}. The titles of the columns say what they mean.")
    model = ResultModel(heads, view)
    view.setModel(model)
    view.verticalHeader().hide()
    view.verticalHeader().setDefaultSectionSize(22)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    view.horizontalHeader().setSectionResizeMode(
        QHeaderView.ResizeMode.ResizeToContents
    )
    return view, model
