"""Progress bar of jobs, with the remaining time and a Cancel button."""

from __future__ import annotations

import time

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget
from superqt import QElidingLabel

from cellpose_studio.app.background.compile_watch import CompileWatch
from cellpose_studio.app.jobs import Job, JobQueue

IDLE = "Nothing is running."
_COMPILING = "Compiling code, once after an installation…"
_PADDING = 8  # px
_MIN_ELAPSED = 1.0  # seconds before the remaining time is estimated


class JobBar(QWidget):
    """Shows the running job that was started first; empty while no job runs.

    Parameters
    ----------
    queues
        Queues whose jobs are shown; each queue runs one job at a time.
    """

    def __init__(self, *queues: JobQueue) -> None:
        super().__init__()
        self._queues = queues
        self._ahead: JobQueue | None = None
        self._running: list[Job] = []
        self._job: Job | None = None
        self._phase = ("", 0.0)
        self._step = ""
        self._under_way = False
        self._compiling = False
        # Elided, because a long file name would widen the window otherwise.
        self.text = QElidingLabel()
        self.text.setObjectName("jobText")
        # The padding of the style sheet would cut off the last digit.
        self.text.setEllipsesWidth(_PADDING)
        self.bar = QProgressBar(objectName="jobProgress", textVisible=False)
        self.remaining = QLabel(objectName="jobLeft")
        self.cancel = QPushButton("Cancel", objectName="jobCancel")
        self.cancel.setToolTip("Cancel this job (Esc). Existing results are kept.")
        # The hidden button keeps its room, so that the canvas keeps its height.
        policy = self.cancel.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.cancel.setSizePolicy(policy)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 4, 8, 4)
        # The step, after the name of a file, is cut off if there is too little room.
        row.addWidget(self.text, 3)
        row.addWidget(self.bar, 2)
        row.addWidget(self.remaining)
        row.addWidget(self.cancel)
        self.cancel.clicked.connect(self.cancel_job)
        for queue in queues:
            queue.queued.connect(self._on_queued)
        self._show_idle()

    @property
    def busy(self) -> bool:
        """Whether a job that is not quiet runs or waits."""
        return self._job is not None

    def cancel_job(self) -> None:
        """Request the cancellation of the job that is shown."""
        if self._job is not None:
            self._job.cancel()
            self.cancel.setEnabled(False)
            self._say(f"{self._job.title}: stopping…")

    def follow(self, watch: CompileWatch, ahead: JobQueue) -> None:
        """Say when code is compiled, for which jobs may have to wait.

        ``ahead`` is the queue of what is compiled before anybody waits for it.
        """
        self._ahead = ahead
        watch.changed.connect(self._on_compiling)

    def _on_compiling(self, on: bool) -> None:
        self._compiling = on
        if self._job is None:
            self._show_idle()
        elif self.cancel.isEnabled():
            self._tell(self._job)

    def _on_queued(self, job: Job) -> None:
        if job.quiet:
            return
        job.progress.connect(lambda *step: self._on_progress(job, *step))
        job.started.connect(lambda: self._on_started(job))
        job.ended.connect(lambda: self._on_end(job))
        if self._job is None:
            self._show(job)

    def _on_started(self, job: Job) -> None:
        self._running.append(job)
        # A job that only waits gives way to one that has started.
        if self._job not in self._running[:-1]:
            self._show(job)

    def _show(self, job: Job) -> None:
        self._job = job
        self._phase, self._step, self._under_way = ("", time.monotonic()), "", False
        self._tell(job)
        # Qt shows a busy bar for an empty range: nothing is known of the length yet.
        self.bar.setRange(0, 0)
        self.remaining.clear()
        self.cancel.setEnabled(True)
        for part in (self.bar, self.remaining, self.cancel):
            part.setVisible(True)

    def _on_progress(self, job: Job, done: int, total: int, what: str) -> None:
        # A late report of a cancelled job would replace the text “stopping…”.
        if job is not self._job or not self.cancel.isEnabled():
            return
        # Each phase has its own pace, so the estimate starts anew with it.
        if what != self._phase[0]:
            self._phase = (what, time.monotonic())
        count = f" {done} of {total}" if total > 1 else ""
        self._step, self._under_way = f"{what}{count}", done > 0
        self._tell(job)
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.remaining.setText(self._time_left(done, total))

    def _time_left(self, done: int, total: int) -> str:
        elapsed = time.monotonic() - self._phase[1]
        if not 0 < done < total or elapsed < _MIN_ELAPSED:
            return ""
        seconds = round(elapsed / done * (total - done))
        return f"{seconds // 60}:{seconds % 60:02d} left"

    def _on_end(self, job: Job) -> None:
        # A job that was cancelled while it waited has never started.
        if job in self._running:
            self._running.remove(job)
        if job is not self._job:
            return
        others = [*self._running, *(j for j in self._visible_jobs() if j is not job)]
        if others:
            self._show(others[0])
        else:
            self._show_idle()

    def _show_idle(self) -> None:
        self._job = None
        ahead = self._compiling and self._ahead is not None and self._ahead.jobs
        self._say(_COMPILING if ahead else IDLE)
        for part in (self.bar, self.remaining, self.cancel):
            part.setVisible(False)

    def _visible_jobs(self) -> list[Job]:
        """Return the jobs that are not quiet, running or waiting."""
        return [job for queue in self._queues for job in queue.jobs if not job.quiet]

    def _tell(self, job: Job) -> None:
        """Show what a job does, or what it has to wait for."""
        text = self._text_of(job, self._step)
        # It explains why a step takes so long; one that goes on needs no excuse.
        if self._compiling and not self._under_way:
            self._say(_COMPILING, f"{text} {_COMPILING}")
        else:
            self._say(text)

    def _say(self, text: str, all_of_it: str = "") -> None:
        # The step of a job, after the name of a file, is at the end.
        end = text in (IDLE, _COMPILING)
        mode = Qt.TextElideMode
        self.text.setElideMode(mode.ElideRight if end else mode.ElideMiddle)
        self.text.setText(text)
        self.text.setToolTip(all_of_it or text)

    def _text_of(self, job: Job, step: str) -> str:
        waiting = len(set(self._visible_jobs()) - {job, *self._running})
        more = f"  ({waiting} more waiting)" if waiting > 0 else ""
        return f"{job.title}: {step}{more}" if step else f"{job.title}…{more}"
