"""Help ▸ Check this installation: the check, and what comes of it, line by line."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QProgressBar,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.failures import failure_of
from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.workflows.self_test import report
from cellpose_studio.workflows.self_test.check import Outcome
from cellpose_studio.workflows.self_test.supervisor import Listener, supervise

_ABOUT = (
    "Tries the program in a window of its own, with a project and settings of its own: "
    "yours are not touched. That takes a minute or two. You can go on working."
)
_SIZE = (820, 560)
_RESULT, _SECONDS, _TITLE, _FOUND = range(4)
_COLUMNS = ("Result", "Seconds", "Check", "Found")
_COLOURS = {"passed": "#2e9e5b", "warning": "#c98a00", "failed": "#d64545"}
_RUNNING = "running…"


class SelfTestDialog(QDialog):
    """The checks in a table that fills while they run.

    Parameters
    ----------
    names
        The checks to run; all without any.
    command
        Starts the process of the checks; by default it is this application.
    """

    # Emitted by the thread of the supervisor.
    _planned = Signal(object)
    _started = Signal(str)
    _ended = Signal(object)

    def __init__(
        self,
        parent: QWidget | None = None,
        names: Sequence[str] = (),
        command: Sequence[str] = (),
    ) -> None:
        super().__init__(parent, windowTitle="Check this installation")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(*_SIZE)
        self._outcomes: dict[str, Outcome] = {}
        self._rows: dict[str, int] = {}
        self._lay_out()
        self._planned.connect(self._on_planned)
        self._started.connect(self._on_started)
        self._ended.connect(self._on_ended)
        listener = Listener(
            planned=self._planned.emit,
            started=self._started.emit,
            ended=self._ended.emit,
        )

        def work(checkpoint: Checkpoint) -> list[Outcome]:
            return supervise(listener, checkpoint, names, command)

        # A queue of its own: runs and files must not wait for the check.
        self._jobs = JobQueue(self)
        job = Job("Checking the installation", work, quiet=True)
        job.finished.connect(self._on_finished)
        job.failed.connect(self._on_failed)
        self._jobs.start(job)
        QApplication.instance().aboutToQuit.connect(self.stop)

    @property
    def running(self) -> bool:
        """Whether the check has not ended."""
        return bool(self._jobs.jobs)

    def stop(self) -> None:
        """End the process of the check; nothing happens after its end."""
        self._jobs.shut_down()

    def copy_details(self) -> None:
        """Copy everything that was found, with the details, for a report."""
        QApplication.clipboard().setText(report.as_text(list(self._outcomes.values())))

    def done(self, result: int) -> None:
        """Stop the check, and close."""
        self.stop()
        super().done(result)

    def _lay_out(self) -> None:
        self.table = QTableWidget(0, len(_COLUMNS))
        self.table.setHorizontalHeaderLabels(_COLUMNS)
        self.table.verticalHeader().hide()
        self.table.setAccessibleName("Checks, and what they found")
        self.table.setToolTip("What was checked, what came of it, and what to do.")
        self.table.setWordWrap(True)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        header = self.table.horizontalHeader()
        resize = QHeaderView.ResizeMode
        header.setSectionResizeMode(resize.ResizeToContents)
        header.setSectionResizeMode(_FOUND, resize.Stretch)
        self.progress = QProgressBar(maximum=0, textVisible=False)
        self.summary = QLabel("Starting the program…", wordWrap=True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy = buttons.addButton(
            "Copy &details", QDialogButtonBox.ButtonRole.ActionRole
        )
        self.copy.setToolTip("Copy everything that was found, for a report.")
        self.copy.clicked.connect(self.copy_details)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel(_ABOUT, wordWrap=True))
        layout.addWidget(self.table, 1)
        layout.addWidget(self.progress)
        layout.addWidget(self.summary)
        layout.addWidget(buttons)

    def _on_planned(self, checks: dict[str, str]) -> None:
        self.progress.setMaximum(len(checks))
        for name, title in checks.items():
            self._set(name, _TITLE, title)

    def _on_started(self, name: str) -> None:
        if name in self._rows:
            self._set(name, _RESULT, _RUNNING)
            self.summary.setText(f"Checking: {self._cell(name, _TITLE).text()}")

    def _on_ended(self, outcome: Outcome) -> None:
        name = outcome.name
        self._outcomes[name] = outcome
        found = outcome.text
        if outcome.advice:
            found += f"\n→ {outcome.advice}"
        self._set(name, _TITLE, outcome.title)
        self._set(name, _RESULT, report.WORDS[outcome.status])
        self._set(name, _SECONDS, f"{outcome.seconds:.1f}")
        self._set(name, _FOUND, found)
        if outcome.status in _COLOURS:
            self._cell(name, _RESULT).setForeground(QColor(_COLOURS[outcome.status]))
        self.table.resizeRowToContents(self._rows[name])
        self.table.scrollToItem(self._cell(name, _RESULT))
        self.progress.setValue(len(self._outcomes))

    def _on_finished(self, outcomes: list[Outcome]) -> None:
        self.summary.setText(report.summary(outcomes))
        self.progress.hide()

    def _on_failed(self, error: Exception) -> None:
        failure = failure_of(error)
        self.summary.setText(f"{failure.message} {failure.hint}".strip())
        self.progress.hide()

    def _set(self, name: str, column: int, text: str) -> None:
        self._cell(name, column).setText(text)

    def _cell(self, name: str, column: int) -> QTableWidgetItem:
        """Return the cell of a check; a row is made for one that is new."""
        if name not in self._rows:
            row = self._rows[name] = self.table.rowCount()
            self.table.insertRow(row)
            for n in range(len(_COLUMNS)):
                self.table.setItem(row, n, QTableWidgetItem())
        return self.table.item(self._rows[name], column)
