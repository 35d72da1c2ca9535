"""The list of classes with their counts, and the classifier."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QSignalBlocker, Qt, QTimer
from qtpy.QtGui import QColor, QIcon, QPixmap, QShowEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.core.provenance.classes.cell_class import CellClass
from cellpose_studio.ui.measure.all_images import AllImages
from cellpose_studio.ui.measure.classes.actions import ClassActions
from cellpose_studio.ui.measure.classes.counts import ClassCounts
from cellpose_studio.ui.measure.classes.report import report, short_text
from cellpose_studio.ui.measure.classes.training import ClassTraining
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.widgets.button_grid import ButtonGrid
from cellpose_studio.ui.widgets.tables.table_of_cells import fit_rows

_COLUMNS = ("Class", "Key", "Here", "All")
_TIPS = (
    "Name and colour of the class. The selected one is what the tool Classify gives.",
    "The number key that puts the chosen cells, or the one under the mouse, into it.",
    "Cells of this image in the class.",
    "Cells of all images of the project in the class.",
)
_EMPTY = (
    "Add a class for each kind of cell. Then take the tool Classify (C) and click "
    "cells. From 3 cells of each of 2 classes, a classifier can class the others."
)
_NOT_TRAINED = "Not trained yet."
_DELAY = 60
"""ms in which changes are looked at together."""


class ClassPanel(QWidget):
    """Shows the classes and their cells, and trains the classifier."""

    def __init__(
        self, services: Services, actions: ClassActions, measured: AllImages
    ) -> None:
        super().__init__()
        self._session = services.session
        self._actions = actions
        self.counts = ClassCounts(services)
        self.training = ClassTraining(services, measured, self.counts)
        self._timer = QTimer(self, singleShot=True, interval=_DELAY)
        self._timer.timeout.connect(self.refresh)
        self._lay_out()
        self._connect()
        self.refresh()

    @property
    def chosen(self) -> CellClass | None:
        """The class that is selected."""
        return self._actions.tools.context.cell_class

    def refresh(self) -> None:
        """Show the classes, their counts, and what the classifier can do."""
        classes = self._session.masks.classes.present
        shown = self._session.shown
        here = self.counts.of([shown] if shown is not None else [])
        every = self.counts.of(self._session.images)
        by_hand = self.counts.of(self._session.images, by_hand=True)
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(classes))
            for row, one in enumerate(classes):
                self._fill(row, one, (here[one.id], every[one.id], by_hand[one.id]))
            chosen = self.chosen
            if chosen is not None:
                self.table.selectRow(classes.index(chosen))
        self.empty.setVisible(not classes)
        self.table.setVisible(bool(classes))
        self._refresh_buttons(any(by_hand.values()))

    def showEvent(self, event: QShowEvent) -> None:
        """Show the present counts; Qt calls this."""
        super().showEvent(event)
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        """Follow other letters; Qt calls this."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            fit_rows(self.table)

    def apply_here(self) -> None:
        """Class the cells of the image shown by the classifier."""
        if self._session.shown is not None:
            self.training.apply([self._session.shown])

    def apply_everywhere(self) -> None:
        """Class the cells of all images by the classifier."""
        self.training.apply(list(self._session.images))

    def show_report(self) -> None:
        """Show what is known of the classifier."""
        record = self.training.record
        if record is None:
            return
        dialog = QDialog(self.window(), objectName="classifierReport")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Classifier")
        dialog.resize(560, 460)
        text = QTextBrowser()
        title = "What the classifier learned, and how often it is right"
        text.setAccessibleName(title)
        text.setToolTip(f"{title}.")
        text.setHtml(report(record))
        column = QVBoxLayout(dialog)
        column.addWidget(text)
        dialog.show()

    def _lay_out(self) -> None:
        self.table = QTableWidget(0, len(_COLUMNS), objectName="classTable")
        self.table.setAccessibleName("Classes of cells")
        self.table.setToolTip("Select the class that the tool Classify gives.")
        self.table.setHorizontalHeaderLabels(list(_COLUMNS))
        for n, tip in enumerate(_TIPS):
            self.table.horizontalHeaderItem(n).setToolTip(tip)
        self.table.verticalHeader().hide()
        fit_rows(self.table)
        # The buttons below it come into view on a low screen, too.
        self.table.setSizePolicy(
            QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored
        )
        self.table.setShowGrid(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.empty = QLabel(_EMPTY, objectName="classesEmpty", wordWrap=True)
        self.add = self._button("Add…", "classAdd", "Add a class.")
        self.edit = self._button(
            "Change…", "classChange", "Change name, colour and key of the class."
        )
        self.remove = self._button(
            "Remove", "classRemove", "Remove the class; its cells have none then."
        )
        self.train = self._button(
            "Train classifier",
            "classTrain",
            "Learn the classes from the measurements of the cells that were classed by "
            "hand, in all images, and tell how often it is right.",
        )
        self.here = self._button(
            "Apply to this image",
            "classApplyHere",
            "Class the cells of this image. Those classed by hand keep their class.",
        )
        self.everywhere = self._button(
            "All images",
            "classApplyAll",
            "Class the cells of all images. Those classed by hand keep their class.",
        )
        self.details = self._button(
            "Details…", "classDetails", "Show the table of the classes."
        )
        self.accuracy = QLabel(objectName="classifierAccuracy", wordWrap=True)
        of_list = QHBoxLayout()
        for button in (self.add, self.edit, self.remove):
            of_list.addWidget(button)
        of_list.addStretch(1)
        result = QHBoxLayout()
        result.addWidget(self.accuracy, 1)
        result.addWidget(self.details)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.empty)
        column.addWidget(self.table, 1)
        column.addLayout(of_list)
        column.addWidget(ButtonGrid([self.train, self.here, self.everywhere]))
        column.addLayout(result)

    def _button(self, text: str, name: str, tip: str) -> QPushButton:
        button = QPushButton(text, objectName=name)
        button.setToolTip(tip)
        return button

    def _connect(self) -> None:
        session, soon = self._session, self._soon
        for signal in (
            session.classes_changed,
            session.class_list_changed,
            session.shown_changed,
            session.masks_changed,
            session.images_changed,
        ):
            signal.connect(soon)
        session.project_changed.connect(soon)
        self.counts.changed.connect(soon)
        self.training.changed.connect(soon)
        self._actions.tools.changed.connect(soon)
        self.table.itemSelectionChanged.connect(self._on_selected)
        self.table.itemDoubleClicked.connect(lambda _: self._edit())
        self.add.clicked.connect(lambda: self._actions.add())
        self.edit.clicked.connect(lambda: self._edit())
        self.remove.clicked.connect(lambda: self._remove())
        self.train.clicked.connect(lambda: self.training.train())
        self.here.clicked.connect(lambda: self.apply_here())
        self.everywhere.clicked.connect(lambda: self.apply_everywhere())
        self.details.clicked.connect(lambda: self.show_report())

    def _soon(self, *_: object) -> None:
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def _fill(self, row: int, one: CellClass, counts: tuple[int, int, int]) -> None:
        here, every, by_hand = counts
        sample = QPixmap(12, 12)
        sample.fill(QColor(one.colour))
        texts = (one.name, str(one.key or ""), f"{here:,}", f"{every:,}")
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            item.setData(Qt.ItemDataRole.UserRole, one.id)
            if column:
                item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
            else:
                item.setIcon(QIcon(sample))
            item.setToolTip(f"{by_hand:,} of {every:,} cells were classed by hand.")
            self.table.setItem(row, column, item)

    def _refresh_buttons(self, any_by_hand: bool) -> None:
        training, record = self.training, self.training.record
        for button in (self.edit, self.remove):
            button.setEnabled(self.chosen is not None)
        self.train.setEnabled(any_by_hand and not training.busy)
        reason = training.reason_cannot_apply
        for button in (self.here, self.everywhere):
            button.setEnabled(not reason and not training.busy)
        self.details.setEnabled(record is not None)
        if training.busy:
            self.accuracy.setText("Working…")
        elif record is None:
            self.accuracy.setText(_NOT_TRAINED)
        else:
            self.accuracy.setText(f"{short_text(record)}.")

    def _on_selected(self) -> None:
        items = self.table.selectedItems()
        if items:
            self._actions.tools.set_class(items[0].data(Qt.ItemDataRole.UserRole))

    def _edit(self) -> None:
        if self.chosen is not None:
            self._actions.edit(self.chosen)

    def _remove(self) -> None:
        if self.chosen is not None:
            self._actions.remove(self.chosen)
