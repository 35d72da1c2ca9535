"""The window of a parameter search: trials as they are made, and the best of them."""

from __future__ import annotations

import math
from html import escape

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
)

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.session.while_open import while_open
from cellpose_studio.core.provenance.search_record import SEARCH_STATE
from cellpose_studio.core.wording import cell_count, image_count
from cellpose_studio.io.cache.flows import FlowCache
from cellpose_studio.paths import cache_dir
from cellpose_studio.ui.segment.panel import SegmentPanel
from cellpose_studio.ui.segment.search.job import WantedSearch, corrected, search_work
from cellpose_studio.ui.services import Services
from cellpose_studio.workflows.evaluation.search import Searchable, record_of_search
from cellpose_studio.workflows.evaluation.trials import METRICS, SearchTable

_HEADS = (
    ("Score", "Mean over the images."),
    ("± ", "Standard deviation over the images."),
    ("AP at 0.5", "Average precision at IoU 0.5, mean over the images."),
    ("Cell prob.", "Threshold of the cell probability."),
    ("Flow thr.", "Flow threshold."),
    ("Smallest", "Size of the smallest cell, px."),
    ("Diameter", "Diameter, px; that of the run if nothing else is said."),
)
_TITLE = "Searching parameters"
_EVERY = 300  # ms
_SHOWN = 200
_INTRO = (
    "Tries thresholds on images whose masks you corrected, and shows which come "
    "closest to your corrections. Flows of their runs are used again."
)
_NOTHING = (
    "No corrected image yet: run a model, correct its masks, and mark the image as "
    "reviewed."
)


class SearchDialog(QDialog):
    """Searches, lists the trials live, and applies one to the Segment tab."""

    def __init__(self, services: Services, segment: SegmentPanel) -> None:
        super().__init__(services.parent, objectName="parameterSearch")
        self.setWindowTitle("Search parameters")
        self.resize(640, 520)
        self._services = services
        self._session = services.session
        self._segment = segment
        self._flows = FlowCache(cache_dir() / "flows")
        self._job: Job | None = None
        self.found: SearchTable | None = None
        self._images: Searchable | None = None
        self._begun: list[tuple[SearchTable, Searchable]] = []
        self._error = ""
        self._order: list[int] = []
        self._timer = QTimer(self, interval=_EVERY)
        self._timer.timeout.connect(self._show)
        self._lay_out()
        self._session.project_changed.connect(self._on_project)
        # Each move of a brush would count the corrected images of the project.
        self._soon = QTimer(self, singleShot=True, interval=_EVERY)
        self._soon.timeout.connect(self._enable)
        self._session.masks_changed.connect(lambda *_: self._soon.start())
        self._session.images_changed.connect(lambda *_: self._soon.start())
        self._enable()

    def start(self) -> None:
        """Start the search, or cancel the one that goes on."""
        if self._job is not None:
            self._job.cancel()
            return
        self._session.commit_pending()
        self._clear()
        wanted = WantedSearch(
            metric=self.metric.currentData(), diameters=self.diameters.isChecked()
        )
        begun = self._begun
        work = search_work(
            self._session, wanted, self._flows, lambda *found: begun.append(found)
        )
        # The network may have to run, and shares its device with the runs.
        job = self._job = self._services.run(
            _TITLE, work, queue=self._services.gpu_jobs, once_left="is told"
        )
        job.progress.connect(self._on_progress)
        job.failed.connect(while_open(self._session, self._on_failed))
        job.ended.connect(self._on_end)
        self._timer.start()
        self._enable()

    def apply(self) -> None:
        """Show the selected trial in the Segment tab, and record how it was found."""
        table, images = self.found, self._images
        if table is None or images is None or not table.done:
            return
        row = self.table.currentRow()
        chosen = self._order[row] if 0 <= row < len(self._order) else table.best
        run = images.record
        values = table.trials[chosen].values
        fields = {*(run.automatic or ())} - {"model"}
        parameters = run.parameters.automatic_again(fields).model_copy(update=values)
        record = record_of_search(table, run.model.sha256, chosen)
        state = record.model_dump(mode="json")
        self._session.project.set_state(SEARCH_STATE, state, missed=True)
        problems = self._segment.show_parameters(run.model.sha256, parameters)
        self._services.show_tab(self._segment)
        self._services.messages.note(
            problems
            or f"{record.sentence} They are in the Segment tab, for the next runs."
        )

    def done(self, result: int) -> None:
        """Stop the search, also when Esc closes the window; Qt calls this."""
        if self._job is not None:
            self._job.cancel()
        super().done(result)

    # Within

    def _lay_out(self) -> None:
        self.intro = QLabel(_INTRO, objectName="searchIntro", wordWrap=True)
        self.metric = QComboBox(objectName="searchMetric")
        self.metric.setAccessibleName("Score to make best")
        self.metric.setToolTip("Choose the score that the best settings have.")
        for key, text in METRICS.items():
            self.metric.addItem(f"{text[0].upper()}{text[1:]}", key)
        self.diameters = QCheckBox("Other diameters", objectName="searchDiameters")
        self.diameters.setToolTip(
            "Try 0.8 and 1.25 times the diameter as well: two runs of the network on "
            "each image."
        )
        self.table = QTableWidget(0, len(_HEADS), objectName="searchTrials")
        self.table.setAccessibleName("Trials, the best first")
        self.table.setToolTip("Select a trial to apply it in place of the best one.")
        self.table.setHorizontalHeaderLabels([title for title, _ in _HEADS])
        for n, (_, tip) in enumerate(_HEADS):
            self.table.horizontalHeaderItem(n).setToolTip(tip)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(22)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Progress of the search")
        self.progress.hide()
        self.result = QLabel(objectName="searchResult", wordWrap=True)
        self.search = QPushButton("Search", objectName="searchStart")
        self.apply_button = QPushButton("Apply best", objectName="searchApply")
        self.apply_button.setToolTip(
            "Put the selected settings, or the best, into the Segment tab. The next "
            "runs record that they were found by this search."
        )
        # Enter in the table would start another search, which forgets this one.
        self.apply_button.setDefault(True)
        first = QHBoxLayout()
        first.addWidget(self.metric, 1)
        first.addWidget(self.diameters)
        last = QHBoxLayout()
        last.addWidget(self.search)
        last.addStretch(1)
        last.addWidget(self.apply_button)
        column = QVBoxLayout(self)
        column.addWidget(self.intro)
        column.addLayout(first)
        column.addWidget(self.table, 1)
        column.addWidget(self.progress)
        column.addWidget(self.result)
        column.addLayout(last)
        self.search.clicked.connect(self.start)
        self.apply_button.clicked.connect(self.apply)
        self.table.itemSelectionChanged.connect(self._enable)

    def _enable(self) -> None:
        count = len(corrected(self._session))
        busy = self._job is not None
        self.search.setText("Cancel" if busy else "Search")
        self.search.setEnabled(busy or count > 0)
        self.search.setToolTip(
            "Stop the search; what was tried stays."
            if busy
            else f"Try settings on {image_count(count)} that you ran a model on, and "
            "corrected."
            if count
            else _NOTHING
        )
        for box in (self.metric, self.diameters):
            box.setEnabled(not busy)
        done = self.found is not None and self.found.done > 0
        self.apply_button.setEnabled(done and not busy)
        row = self.table.currentRow()
        self.apply_button.setText("Apply best" if row <= 0 else "Apply selected")
        if not count and not busy and not self._error:
            self.result.setText(_NOTHING)
        elif self.result.text() == _NOTHING:
            self.result.clear()

    def _show(self) -> None:
        """List the trials that were made until now, the best first."""
        if self._begun:
            self.found, self._images = self._begun.pop()
        table = self.found
        if table is None or not table.done:
            return
        means, spreads, ap50 = table.means(), table.spreads(), table.ap50_means()
        row = self.table.currentRow()
        selected = self._order[row] if 0 <= row < len(self._order) else None
        self._order = table.ranked()[:_SHOWN]
        self.table.setRowCount(len(self._order))
        for row, n in enumerate(self._order):
            trial = table.trials[n]
            width = "as run" if trial.diameter is None else f"{trial.diameter:g}"
            texts = (
                f"{means[n]:.3f}",
                "–" if math.isnan(spreads[n]) else f"{spreads[n]:.3f}",
                f"{ap50[n]:.3f}",
                f"{trial.cellprob_threshold:g}",
                f"{trial.flow_threshold:g}",
                f"{trial.min_size}",
                width,
            )
            for column, text in enumerate(texts):
                self._set(row, column, text, n == 0)
        # The trial that the user has selected may have moved to another row.
        if selected in self._order:
            self.table.selectRow(self._order.index(selected))

    def _set(self, row: int, column: int, text: str, present: bool) -> None:
        item = self.table.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            item.setTextAlignment(
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            )
            self.table.setItem(row, column, item)
        item.setText(text)
        font = item.font()
        font.setBold(present)
        item.setFont(font)
        item.setToolTip("The present settings." if present else "")

    def _on_progress(self, done: int, total: int, _: str) -> None:
        self.progress.setVisible(total > 0)
        self.progress.setRange(0, max(total, 1))
        self.progress.setValue(done)

    def _on_failed(self, error: Exception) -> None:
        self._error = escape(str(error))

    def _on_end(self) -> None:
        self._job = None
        self._timer.stop()
        self.progress.hide()
        self._show()
        table, images = self.found, self._images
        if self._error:
            self.result.setText(self._error)
        elif (
            table is not None and images is not None and np.isfinite(table.scores).all()
        ):
            self.result.setText(_report(table, images))
        elif table is not None and table.done:
            self.result.setText("Cancelled: not all settings were tried on all images.")
        self._enable()

    def _on_project(self) -> None:
        self._clear()
        self._enable()

    def _clear(self) -> None:
        """Forget the search before."""
        self.found = self._images = None
        # A search that has not begun yet fills the list of before.
        self._begun = []
        self._error = ""
        self._order = []
        self.table.setRowCount(0)
        self.result.clear()


def _report(table: SearchTable, images: Searchable) -> str:
    """Return what was found, as HTML: scores, validation, warnings."""
    means = table.means()
    cells = f"{image_count(len(table.images))}, {cell_count(sum(table.cells))}"
    parts = [
        f"<b>{means[table.best]:.3f}</b>, {means[0]:.3f} with the present settings "
        f"(bold), on {cells}."
    ]
    if (validated := table.validated()) is not None:
        parts.append(
            f"On images not used for the choice: {validated[0]:.3f} ± "
            f"{validated[1]:.3f}."
        )
    parts += [escape(one) for one in (*table.warnings(), images.note) if one]
    parts += [f"Left out: {escape(one)}." for one in images.left_out]
    return " ".join(parts)
