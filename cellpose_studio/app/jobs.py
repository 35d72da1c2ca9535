"""Long work on a thread pool, seen from the GUI thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from qtpy.QtCore import QObject, QRunnable, Qt, QThreadPool, Signal, Slot

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint

Work = Callable[[Checkpoint], Any]
Then = Callable[[Any], Work | None]

_REPORT_INTERVAL = 0.03  # seconds; more would only keep the GUI thread busy


class Job(QObject):
    """One piece of work, seen from the GUI thread.

    Exactly one of `finished`, `failed` and `cancelled` is emitted, in the thread
    that made the job. The work itself must not touch a widget or a layer.

    Parameters
    ----------
    then
        Called in the thread that made the job with what the work returned. As long as
        it returns more work, the job goes on with that instead of being finished.
    is_preview
        Whether nothing is lost if it is stopped.
    """

    started = Signal()
    progress = Signal(int, int, str)  # done, total, what
    finished = Signal(object)  # what the work returned
    failed = Signal(Exception)
    cancelled = Signal()
    ended = Signal()  # after any of the three
    continued = Signal()  # there is more work
    _told = Signal(str, tuple)  # by the thread of the pool: a signal and its values

    def __init__(
        self,
        title: str,
        work: Work,
        quiet: bool = False,
        then: Then | None = None,
        is_preview: bool = False,
    ) -> None:
        super().__init__()
        self.title = title
        self.quiet = quiet
        self.is_preview = is_preview
        self._work = work
        self._then = then
        self._begun = False
        self._checkpoint = Checkpoint(self._report)
        self._reported = ("", 0.0)
        # Qt delivers this signal in the thread that made the job, where listeners may
        # use widgets.
        self._told.connect(self._on_told, Qt.ConnectionType.QueuedConnection)

    @Slot()  # type: ignore[untyped-decorator]
    def cancel(self) -> None:
        """Ask for a stop; `cancelled` follows once the work reaches a checkpoint."""
        self._checkpoint.stop()

    @property
    def stopping(self) -> bool:
        """It was asked to stop, be it too late for the work."""
        return self._checkpoint.stopped

    def run(self) -> None:
        """Do the work; for the thread of the pool."""
        try:
            self._checkpoint.check()  # cancelled while still queued
            if not self._begun:
                self._begun = True
                self._tell("started")
            result = self._work(self._checkpoint)
        except Cancelled:
            self._tell("cancelled")
        # Whatever happens in a thread has to be told to the user.
        except Exception as error:
            self._tell("failed", error)
        else:
            self._tell("finished", result)

    def _tell(self, signal: str, *values: object) -> None:
        # Without the object there is nobody to tell: the application has ended.
        with suppress(RuntimeError):
            self._told.emit(signal, values)

    @Slot(str, tuple)  # type: ignore[untyped-decorator]
    def _on_told(self, signal: str, values: tuple[object, ...]) -> None:
        # What was told before a shut-down comes to nothing after it.
        if self.signalsBlocked():
            return
        if signal == "finished" and self._then is not None:
            try:
                more = self._then(*values)
            # As for the work itself.
            except Exception as error:
                signal, values = "failed", (error,)
            else:
                if more is not None:
                    self._work = more
                    self.continued.emit()
                    return
        if signal in ("finished", "failed", "cancelled"):
            # Before, because a listener may show a dialog, and nothing is running then.
            self._tell("ended")
        getattr(self, signal).emit(*values)
        if signal == "ended":
            # What listens to a job often knows it, so it may be there for a while.
            self._work, self._then = _nothing, None

    def _report(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        last_what, last_time = self._reported
        first_or_last = what != last_what or done == total
        if first_or_last or now - last_time >= _REPORT_INTERVAL:
            self._reported = (what, now)
            self._tell("progress", done, total, what)


def _nothing(_: Checkpoint) -> None:
    """Stand for the work of a job that has ended."""


class JobQueue(QObject):
    """Starts jobs one after another, because they share one device and one model."""

    queued = Signal(object)  # the job

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        # A thread that ends takes torch's thread-local state with it.
        self._pool.setExpiryTimeout(-1)
        self._jobs: list[Job] = []

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs that have not ended, in the order of their start."""
        return tuple(self._jobs)

    def start(self, job: Job) -> Job:
        """Queue ``job`` and keep it alive until it has reported its end."""
        self._jobs.append(job)
        job.ended.connect(lambda: self._jobs.remove(job))
        # Before the jobs that wait: it has waited already.
        job.continued.connect(lambda: self._pool.start(_Runnable(job.run), 1))
        # The signals of the job pass through the event loop, so that listeners of
        # `queued` miss none of them.
        self._pool.start(_Runnable(job.run))
        self.queued.emit(job)
        return job

    def cancel_all(self) -> None:
        """Ask every job to stop."""
        for job in self._jobs:
            job.cancel()

    def shut_down(self) -> None:
        """Cancel everything and wait; afterwards no job signal can arrive."""
        for job in self._jobs:
            # Signals that wait in the event loop would reach parts that have been
            # closed.
            job.blockSignals(True)
            job.cancel()
        self._pool.waitForDone()
        self._jobs.clear()


class _Runnable(QRunnable):
    """A Python callable for QThreadPool, which PyQt5 cannot start directly."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__()
        self._call = call

    def run(self) -> None:
        self._call()
