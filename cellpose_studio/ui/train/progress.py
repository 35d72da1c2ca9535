"""Buttons and progress of the training that runs."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from qtpy.QtWidgets import (
    QApplication,
    QGridLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.training.trainings import Trainings
from cellpose_studio.core.models.training import EpochReport
from cellpose_studio.ui.widgets.elided_button import ElidedButton
from cellpose_studio.ui.widgets.question import ask
from cellpose_studio.workflows.training.request_file import TrainingRequest

_BUTTONS = {
    "start": ("Train", "Train the model on the images of the set."),
    "pause": ("Pause", "Let the training wait; it goes on where it was."),
    "finish": (
        "Keep the best",
        "End the training. The epoch with the best AP so far becomes the model.",
    ),
    "cancel": (
        "Cancel",
        "End the training without a model. It can be resumed later, also after a "
        "restart.",
    ),
}


MayDiscard = Callable[[QWidget, str], bool]


def may_discard(parent: QWidget, title: str) -> bool:
    """Ask whether to delete what a training of that title has learned."""
    return ask(
        parent,
        "Discard training",
        f"Discard the training {title}?",
        "What it has learned so far is deleted, and cannot be brought back.",
        "Discard",
        final=True,
    )


class TrainingProgress(QWidget):
    """Starts, pauses and ends a training, and tells how far it is.

    Attributes
    ----------
    may_discard
        Asks before an interrupted training is deleted.
    """

    def __init__(self, trainings: Trainings) -> None:
        super().__init__()
        self._trainings = trainings
        self.may_discard: MayDiscard = may_discard
        self._begun_at = 0
        self._said = ""
        self._listed: list[TrainingRequest] = []
        self.buttons = {}
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        for n, (name, (text, tip)) in enumerate(_BUTTONS.items()):
            button = QPushButton(text, objectName=f"train-{name}")
            button.setToolTip(f"<qt>{tip}</qt>")
            button.setAccessibleName(text)
            self.buttons[name] = button
            if name == "start":
                grid.addWidget(button, 0, 0, 1, 3)
            else:
                grid.addWidget(button, 1, n - 1)
        self.bar = QProgressBar(objectName="trainBar", textVisible=True)
        self.bar.setAccessibleName("Progress of the training")
        self.text = QLabel(objectName="trainText", wordWrap=True)
        self.interrupted = QVBoxLayout()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self.interrupted)
        column.addLayout(grid)
        column.addWidget(self.bar)
        column.addWidget(self.text)
        self.buttons["pause"].clicked.connect(
            lambda: trainings.pause(not trainings.paused)
        )
        self.buttons["finish"].clicked.connect(trainings.finish_early)
        self.buttons["cancel"].clicked.connect(self._cancel)

    def refresh(self, reason_disabled: str) -> None:
        """Show what can be done now; ``reason_disabled`` is that of the start."""
        runs = self._trainings.request is not None
        start = self.buttons["start"]
        had_keyboard = any(button.hasFocus() for button in self.buttons.values())
        changes = start.isHidden() != runs
        start.setVisible(not runs)
        start.setEnabled(not reason_disabled)
        start.setToolTip(f"<qt>{reason_disabled or _BUTTONS['start'][1]}</qt>")
        for name in ("pause", "finish", "cancel"):
            self.buttons[name].setVisible(runs)
        if had_keyboard and changes:
            # Else Qt gives it to what comes next, anywhere in the window.
            self.buttons["pause" if runs else "start"].setFocus()
        self.buttons["pause"].setText("Go on" if self._trainings.paused else "Pause")
        self.bar.setVisible(runs)
        self._show_text()
        self._list_interrupted(runs)

    def begin(self) -> None:
        """Forget the training before."""
        self._begun_at = -1
        self.bar.setRange(0, 0)
        self._say("Reading the images…")

    def end(self) -> None:
        """Say nothing more: the training has ended."""
        self._say("")

    def show_report(self, report: EpochReport) -> None:
        """Show how far a training is, and how long it takes about."""
        # Epochs before an interruption took no time of this training.
        if report.past:
            self._begun_at = report.epoch
        elif self._begun_at < 0:
            self._begun_at = max(0, report.epoch - 1)
        self.bar.setRange(0, report.n_epochs)
        self.bar.setValue(report.epoch)
        done = report.epoch - self._begun_at
        left = report.n_epochs - report.epoch
        text = f"Epoch {report.epoch} of {report.n_epochs}"
        if report.best is not None:
            text += f", best so far: epoch {report.best}"
        if done > 0 and left:
            text += f"; {_duration(self._trainings.seconds / done * left)} left at most"
        self._say(f"{text}.")

    def _say(self, text: str) -> None:
        self._said = text
        self._show_text()

    def _show_text(self) -> None:
        text = "Paused." if self._trainings.paused else self._said
        request, where = self._trainings.request, self._trainings.elsewhere
        if request is not None and where:
            text = f"Training {request.title} of {where}: {text}"
        self.text.setText(text)
        self.text.setVisible(bool(text))

    def _cancel(self) -> None:
        if self._trainings.job is not None:
            self._trainings.pause(on=False)
            self._say("Stopping…")
            self._trainings.job.cancel()

    def _list_interrupted(self, runs: bool) -> None:
        found = [] if runs else self._trainings.interrupted()
        # New buttons would take the keyboard focus from those before.
        if found == self._listed:
            return
        self._listed = found
        focus, had_keyboard = QApplication.focusWidget(), False
        while (item := self.interrupted.takeAt(0)) is not None:
            row = item.widget()
            had_keyboard |= focus is not None and row.isAncestorOf(focus)
            row.deleteLater()
        for request in found:
            self.interrupted.addWidget(self._row_of(request))
        if had_keyboard:
            # Else Qt gives it to what comes next, anywhere in the window.
            first = self.interrupted.itemAt(0)
            (first.widget().go_on if first else self.buttons["start"]).setFocus()

    def _row_of(self, request: TrainingRequest) -> QWidget:
        row = _Interrupted(request)
        row.go_on.clicked.connect(lambda: self._trainings.resume(request))
        row.discard.clicked.connect(lambda: self._discard(request))
        return row

    def _discard(self, request: TrainingRequest) -> None:
        if self.may_discard(self.window(), request.title):
            self._trainings.discard(request)


class _Interrupted(QWidget):
    """A training that was interrupted, with what can be done with it."""

    def __init__(self, request: TrainingRequest) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        text = f"Resume training {request.title}"
        self.go_on = ElidedButton(text.replace("&", "&&"), "resume")
        tip = f"Go on where the training {escape(request.title)} was interrupted."
        self.go_on.setToolTip(f"<qt>{tip}</qt>")
        self.go_on.setAccessibleName(text)
        self.discard = QPushButton("Discard…", objectName="discard")
        self.discard.setToolTip("<qt>Delete what the training has learned so far.</qt>")
        self.discard.setAccessibleName(f"Discard training {request.title}")
        grid.addWidget(self.go_on, 0, 0)
        grid.addWidget(self.discard, 0, 1)
        grid.setColumnStretch(0, 1)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"
