"""The training that runs, those that can be resumed, and the rounds of the project."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import Signal
from qtpy.QtCore import QObject, Qt
from qtpy.QtCore import Signal as QtSignal

from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.app.session.while_open import while_open
from cellpose_studio.app.training.pausable import PausableCheckpoint, Pause
from cellpose_studio.core.checkpoint import Checkpoint, StoppedEarly
from cellpose_studio.core.errors import CannotSave, ProjectUnusable, StudioError
from cellpose_studio.core.models.training import EpochReport
from cellpose_studio.core.models.training_round import TrainingRound
from cellpose_studio.io.atomic import cannot_save
from cellpose_studio.io.project.tables.training.rounds import read_rounds, write_round
from cellpose_studio.paths import real_path
from cellpose_studio.workflows.training.project_set import (
    Answer,
    ReadProject,
    parts_of_project,
    reader_of,
    usable_pairs,
)
from cellpose_studio.workflows.training.request_file import (
    TrainingRequest,
    forget_request,
    requests_of,
    round_of,
    state_path,
    unlisted_rounds,
    write_request,
)

if TYPE_CHECKING:
    from cellpose_studio.workflows.training.train_model import TrainedModel


@dataclass(eq=False)
class _Running:
    """The training that runs, seen from the GUI thread."""

    request: TrainingRequest
    project: Project
    job: Job
    pause: Pause
    ends: threading.Event
    begun: float
    finished: bool = False


class _Relay(QObject):
    """Brings what a worker reports to the GUI thread."""

    reported = QtSignal(object)
    told = QtSignal(str)


class Trainings:
    """Starts one training at a time in a job, and records what came of it.

    The job reads the training set of the open project from its file. A training that
    ends when another project is open is recorded once its own is open again.
    """

    changed = Signal()  # one has started, was paused, has ended; or rounds were read
    reported = Signal(object)  # EpochReport
    trained = Signal(object)  # TrainedModel
    discarded = Signal(object)  # TrainingRequest
    recovered = Signal(Path)  # weights of a training that ended elsewhere
    noted = Signal(str)
    failed = Signal(Exception)

    def __init__(
        self, session: Session, queue: JobQueue, io_jobs: JobQueue, folder: Path
    ) -> None:
        self._session = session
        self._queue = queue
        self._io_jobs = io_jobs
        self.folder = folder
        self._running: _Running | None = None
        self._place = session.project, session.project.path
        self._relay = _Relay()
        queued = Qt.ConnectionType.QueuedConnection
        self._relay.reported.connect(self.reported.emit, queued)
        self._relay.told.connect(self._note, queued)
        session.project_changed.connect(self._load)
        self._load()

    @property
    def rounds(self) -> list[TrainingRound]:
        """The trainings of the open project, the first one first."""
        return self._session.project.rounds

    @property
    def request(self) -> TrainingRequest | None:
        """What the training that runs was asked for; None without one."""
        return self._running.request if self._running is not None else None

    @property
    def job(self) -> Job | None:
        """Its job."""
        return self._running.job if self._running is not None else None

    @property
    def paused(self) -> bool:
        """Whether the training that runs is paused."""
        return self._running is not None and self._running.pause.is_on

    @property
    def seconds(self) -> float:
        """Time since the training that runs was started or resumed, without pauses."""
        running = self._running
        if running is None:
            return 0.0
        return time.monotonic() - running.begun - running.pause.waited

    @property
    def elsewhere(self) -> str:
        """Name of the project of the training that runs, if another one is open."""
        running, here = self._running, self._session.project
        # One that was opened again is another object.
        if (
            running is None
            or running.project is here
            or _is_same(running.project, here)
        ):
            return ""
        return running.project.name

    def start(self, request: TrainingRequest, resume: bool = False) -> None:
        """Start a training; does nothing while another one runs."""
        if self._running is not None:
            return
        pause, ends = Pause(), threading.Event()
        project, relay = self._session.project, self._relay

        def work(checkpoint: Checkpoint) -> TrainedModel:
            return _train(
                request,
                project,
                self.folder,
                PausableCheckpoint(checkpoint, pause),
                relay.reported.emit,
                relay.told.emit,
                ends,
                resume,
            )

        job = Job(f"Training {request.title}", work)
        self._running = _Running(request, project, job, pause, ends, time.monotonic())
        job.finished.connect(lambda model: self._finish(request, model))
        job.failed.connect(self._fail)
        job.cancelled.connect(lambda: self._tell_cancelled(request))
        job.ended.connect(self._end)
        self._queue.start(job)
        self.changed.emit()

    def resume(self, request: TrainingRequest) -> None:
        """Go on with a training that was interrupted."""
        self.start(request, resume=True)

    def pause(self, on: bool) -> None:
        """Let the training that runs wait, or go on."""
        if self._running is not None:
            self._running.pause.turn(on)
            self.changed.emit()

    def finish_early(self) -> None:
        """End the training that runs; its best epoch so far becomes the model."""
        if self._running is not None:
            self._running.ends.set()
            self._running.pause.turn(on=False)

    def interrupted(self) -> list[TrainingRequest]:
        """Return trainings on the open project that can be resumed."""
        self.follow_project()
        running = self.request
        return [
            request
            for request in requests_of(self._session.project.path, self.folder)
            if request.can_be_resumed and (not running or request.out != running.out)
        ]

    def discard(self, request: TrainingRequest) -> None:
        """Delete the state of a training that was interrupted; it is kept on failure.

        Does nothing while it runs.
        """
        if self.request is not None and self.request.out == request.out:
            return
        try:
            state_path(request.out).unlink(missing_ok=True)
        except OSError as error:
            reason = error.strerror or error
            self.failed.emit(
                CannotSave(f"{request.title} could not be discarded: {reason}.")
            )
            return
        forget_request(request, self.folder)
        self.noted.emit(f"{request.title} was discarded.")
        self.discarded.emit(request)
        self.changed.emit()

    def follow_project(self) -> None:
        """Let trainings go with a project that was saved under another name.

        From an unnamed project all do, since it was moved; else the one that runs.
        """
        (project, old), here = self._place, self._session.project
        self._place = here, here.path
        if here is not project or here.path == old:
            return
        for request in requests_of(old, self.folder):
            runs = self.request is not None and request.out == self.request.out
            if runs or not old.exists():
                moved = request.model_copy(update={"project": here.path})
                # It can still be resumed in the project that it was begun in.
                with suppress(CannotSave):
                    write_request(moved, self.folder)

    def _finish(self, request: TrainingRequest, model: TrainedModel) -> None:
        self.follow_project()
        if self._running is not None:
            self._running.finished = True
        record = round_of(request.title, model.spec)
        if where := self.elsewhere:
            self.noted.emit(
                f"{request.title} is ready. {where} lists it when it is open again."
            )
        elif record is not None:
            self._record([record])
        self.trained.emit(model)

    def _record(self, records: list[TrainingRound]) -> bool:
        """List trainings in the open project; return whether some are written."""
        project = self._session.project
        listed = {one.path for one in project.rounds}
        new = [one for one in records if one.path not in listed]
        for record in new:
            number = project.next_id("training_round")
            project.remember(partial(write_round, number=number, record=record))
            project.rounds.append(record)
        return bool(new) and not project.read_only_reason

    def _fail(self, error: Exception) -> None:
        if isinstance(error, StoppedEarly):
            self._note(
                "The training was ended before it was measured, so there is no model."
            )
        elif isinstance(error, StudioError) and self.elsewhere:
            self.failed.emit(StudioError(self._named(error.message), error.hint))
        else:
            self.failed.emit(error)

    def _note(self, text: str) -> None:
        self.noted.emit(self._named(text))

    def _named(self, text: str) -> str:
        """Return what is told of the training, with its project if that is not open."""
        request, where = self.request, self.elsewhere
        if request is None or not where:
            return text
        return f"Training {request.title} of {where}: {text}"

    def _tell_cancelled(self, request: TrainingRequest) -> None:
        if state_path(request.out).exists():
            text = "It can be resumed where it was measured last."
        else:
            text = "No epoch was measured before, so nothing of it is kept."
        of = f" of {self.elsewhere}" if self.elsewhere else ""
        self.noted.emit(f"{request.title}{of} was cancelled. {text}")

    def _end(self) -> None:
        elsewhere = self.elsewhere
        running, self._running = self._running, None
        if running is not None:
            request = running.request
            # Without a state, there is nothing to go on from.
            if not running.finished and not request.can_be_resumed:
                forget_request(request, self.folder)
            if not elsewhere:
                self._load()
        self.changed.emit()

    def _load(self) -> None:
        """Read the trainings of the project that is open now, and list what is not."""
        project, folder = self._session.project, self.folder
        self._place = project, project.path

        def read(_: Checkpoint) -> tuple[list[TrainingRound], list[TrainingRound]]:
            rounds = project.read(read_rounds)
            listed = {one.path for one in rounds}
            return rounds, unlisted_rounds(project.path, folder, listed)

        def show(found: tuple[list[TrainingRound], list[TrainingRound]]) -> None:
            if project is not self._session.project:
                return
            stored, unlisted = found
            # What is on its way to the file is not read from there yet.
            listed = {one.path for one in stored}
            later = [one for one in project.rounds if one.path not in listed]
            project.rounds[:] = [*stored, *later]
            known = {one.path for one in project.rounds}
            if self._record(unlisted):
                # The requests are deleted when the trainings are found in the file.
                self._load()
            for one in unlisted:
                if one.path not in known:
                    self.recovered.emit(Path(one.path))
            self.changed.emit()

        job = Job("Reading trainings", read, quiet=True)
        job.finished.connect(show)
        job.failed.connect(while_open(self._session, self.failed.emit))
        self._io_jobs.start(job)


def _is_same(one: Project, other: Project) -> bool:
    return real_path(one.path) == real_path(other.path)


def reading(project: Project) -> ReadProject:
    """Return what reads from a project, also after the user has left it."""

    def read(question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        try:
            return project.read(question)
        except ProjectUnusable:
            if not project.is_closed:
                raise
        return reader_of(project.path)(question)

    return read


def _train(
    request: TrainingRequest,
    project: Project,
    folder: Path,
    checkpoint: Checkpoint,
    report: Callable[[EpochReport], Any],
    tell: Callable[[str], Any],
    ends: threading.Event,
    resume: bool,
) -> TrainedModel:
    """Train; for a worker, which imports torch."""
    from cellpose_studio.engine.device import device_named
    from cellpose_studio.workflows.training.train_model import (
        ModelRequest,
        train_model,
    )

    def stop_early() -> None:
        if ends.is_set():
            raise StoppedEarly

    try:
        request.out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_save(request.out, error) from error
    parts = parts_of_project(reading(project), project.folder, checkpoint)
    wanted = ModelRequest(
        pairs=usable_pairs(parts),
        out=request.out,
        parameters=request.parameters,
        parent=request.parent,
        device=device_named(request.device),
        resume=resume,
        title=request.title,
        stop_early=stop_early,
        tell=tell,
    )
    # The project may have another name by now.
    write_request(request.model_copy(update={"project": project.path}), folder)
    return train_model(wanted, checkpoint, report)
