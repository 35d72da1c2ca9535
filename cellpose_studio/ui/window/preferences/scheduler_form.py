"""The scheduler of runs in blocks, as a form."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.failures import failure_of
from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.settings import Settings
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.workflows.blocks.cluster.choice import ClusterChoice

_ABOUT = (
    "Images that are too large for the memory are run in blocks. With a scheduler of "
    "Dask, its workers share the blocks. All computers need the same versions, and the "
    "images and the shared folder under the same path. Dask runs whatever it is sent: "
    "use it in trusted networks only."
)


class SchedulerForm(QWidget):
    """Edits the cluster of the settings, and tries it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._jobs = JobQueue(self)
        self.address = self._line(
            "scheduler",
            "Address of the scheduler",
            "tcp://host:8786, or the file that the scheduler has written. Empty: runs "
            "stay on this computer.",
        )
        self.folder = self._line(
            "shared_folder",
            "Shared folder",
            "Folder that this computer and all workers can write to, under the same "
            "path, for the state of runs. Empty: that in your cache folder.",
        )
        self.config = self._line(
            "cluster_config",
            "Configuration of Dask",
            "YAML file with certificates for encrypted connections (tls://). Empty: "
            "Dask's own files.",
        )
        self.check = QPushButton("&Check the cluster", objectName="checkCluster")
        self.check.setAutoDefault(False)
        self.check.setToolTip(
            "<qt>Ask all workers for their versions, and whether they see the shared "
            "folder. Nothing is run.</qt>"
        )
        self.check.clicked.connect(self._check)
        self.result = QLabel(wordWrap=True, objectName="clusterResult")
        self.result.setAccessibleName("Result of the check")
        self._lay_out()
        self._enable()

    def show_settings(self) -> None:
        """Show the texts of the settings."""
        for line in (self.address, self.folder, self.config):
            line.setText(str(getattr(self._settings, line.objectName())))

    def keep(self) -> None:
        """Take the texts into the settings."""
        for line in (self.address, self.folder, self.config):
            text = line.text().strip()
            if text != getattr(self._settings, line.objectName()):
                setattr(self._settings, line.objectName(), text)

    def shut_down(self) -> None:
        """Keep the texts, and stop a check; the form cannot check any more."""
        self.keep()
        self._jobs.shut_down()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("&Scheduler", self.address)
        form.addRow("Shared &folder", self._with_choice(self.folder, self._a_folder))
        form.addRow(
            "Confi&guration", self._with_choice(self.config, self._a_config_file)
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(QLabel(_ABOUT, wordWrap=True))
        column.addLayout(form)
        row = QHBoxLayout()
        row.addWidget(self.check)
        row.addWidget(self.result, 1)
        column.addLayout(row)

    def _line(self, name: str, title: str, tip: str) -> QLineEdit:
        """Return a line that edits a setting."""
        line = QLineEdit(str(getattr(self._settings, name)), objectName=name)
        line.setAccessibleName(title)
        line.setToolTip(f"<qt>{tip}</qt>")
        line.textChanged.connect(self._enable)
        line.editingFinished.connect(self.keep)
        return line

    def _with_choice(self, line: QLineEdit, choose: Callable[[], str]) -> QWidget:
        """Return a line with a button that chooses its text."""
        button = QPushButton("Choose…")
        button.setAutoDefault(False)
        button.setToolTip(line.toolTip())
        button.setAccessibleName(f"Choose: {line.accessibleName()}")

        def take(_: bool) -> None:
            if chosen := choose():
                line.setText(chosen)
                self.keep()

        button.clicked.connect(take)
        both = QWidget()
        row = QHBoxLayout(both)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(line, 1)
        row.addWidget(button)
        return both

    def _a_folder(self) -> str:
        return str(
            QFileDialog.getExistingDirectory(self, "Shared folder", self.folder.text())
        )

    def _a_config_file(self) -> str:
        files = "Configuration (*.yaml *.yml)"
        return str(
            QFileDialog.getOpenFileName(
                self, "Configuration of Dask", self.config.text(), files
            )[0]
        )

    def _enable(self) -> None:
        self.check.setEnabled(bool(self.address.text().strip()))

    def _check(self) -> None:
        self.keep()
        choice = self._settings.cluster()
        if choice is None:
            return
        self.check.setEnabled(False)
        self.result.setText("Checking…")

        def work(checkpoint: Checkpoint) -> str:
            return _report_on(choice, checkpoint)

        job = Job("Checking the cluster", work)
        job.finished.connect(self.result.setText)
        job.failed.connect(self._show_failure)
        job.ended.connect(self._enable)
        self._jobs.start(job)

    def _show_failure(self, error: Exception) -> None:
        failure = failure_of(error)
        self.result.setText(f"{failure.message} {failure.hint}".strip())


def _report_on(choice: ClusterChoice, checkpoint: Checkpoint) -> str:
    # In the thread of the job: torch takes two seconds to import.
    from cellpose_studio.workflows.blocks.cluster.check import check_scheduler

    report = check_scheduler(choice.address, choice.folder, checkpoint, choice.config)
    return ". ".join([report.text, *report.notes])
