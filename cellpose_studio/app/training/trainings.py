"""The training that runs, those that can be resumed, and the rounds of the project."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import Signal
from pydantic import BaseModel, ConfigDict, ValidationError
from qtpy.QtCore import QObject, Qt
from qtpy.QtCore import Signal as QtSignal

from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.app.training.pausable import PausableCheckpoint
from cellpose_studio.core.checkpoint import Checkpoint, StoppedEarly
from cellpose_studio.core.errors import ProjectUnusable
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.models.training import EpochReport, TrainingParameters
from cellpose_studio.core.models.training_round import TrainingRound
from cellpose_studio.io.atomic import cannot_save, replacing
from cellpose_studio.io.project.tables.training.rounds import read_rounds, write_round
from cellpose_studio.workflows.training.model_paths import state_path
from cellpose_studio.workflows.training.project_set import (
    Answer,
    ReadProject,
    parts_of_project,
    reader_of,
    usable_pairs,
)

if TYPE_CHECKING:
    from cellpose_studio.workflows.training.train_model import TrainedModel

_REQUEST = ".training.json"
"""End of the file beside the state of a training that says what was asked for."""


class TrainingRequest(BaseModel):
    """What the user asks for; written down, so that it can be resumed after a restart.

    Attributes
    ----------
    out
        Weight file to write.
    title
        What the user calls the model.
    project
        File of the project whose training set is used.
    parent
        Model to train further, as its record; None starts from scratch.
    device
        Name of torch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    out: Path
    title: str
    project: Path
    parent: ModelSpec | None
    parameters: TrainingParameters
    device: str = "cpu"

    @property
    def file(self) -> Path:
        """The file that it is written to."""
        return self.out.with_name(f"{self.out.name}{_REQUEST}")


@dataclass(eq=False)
class _Running:
    """The training that runs, seen from the GUI thread."""

    request: TrainingRequest
    job: Job
    going: threading.Event
    ends: threading.Event
    begun: float


class _Relay(QObject):
    """Brings what a worker reports to the GUI thread."""

    reported = QtSignal(object)
    told = QtSignal(str)


class Trainings:
    """Starts one training at a time in a job, and records what came of it.

    The job reads the training set of the open project from its file.
    """

    changed = Signal()  # one has started, was paused, has ended; or rounds were read
    reported = Signal(object)  # EpochReport
    trained = Signal(object)  # TrainedModel
    noted = Signal(str)
    failed = Signal(Exception)

    def __init__(
        self, session: Session, queue: JobQueue, io_jobs: JobQueue, folder: Path
    ) -> None:
        self._session = session
        self._queue = queue
        self._io_jobs = io_jobs
        self.folder = folder
        self.rounds: list[TrainingRound] = []
        self._running: _Running | None = None
        self._relay = _Relay()
        queued = Qt.ConnectionType.QueuedConnection
        self._relay.reported.connect(self.reported.emit, queued)
        self._relay.told.connect(self.noted.emit, queued)
        session.project_changed.connect(self._load)
        self._load()

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
        return self._running is not None and not self._running.going.is_set()

    @property
    def seconds(self) -> float:
        """Time since the training that runs was started or resumed."""
        return time.monotonic() - self._running.begun if self._running else 0.0

    def start(self, request: TrainingRequest, resume: bool = False) -> None:
        """Start a training; does nothing while another one runs."""
        if self._running is not None:
            return
        going, ends = threading.Event(), threading.Event()
        going.set()
        project, relay = self._session.project, self._relay

        def work(checkpoint: Checkpoint) -> TrainedModel:
            return _train(
                request,
                project,
                PausableCheckpoint(checkpoint, going),
                relay.reported.emit,
                relay.told.emit,
                ends,
                resume,
            )

        job = Job(f"Training {request.title}", work)
        self._running = _Running(request, job, going, ends, time.monotonic())
        job.finished.connect(lambda model: self._finish(project, request, model))
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
            (self._running.going.clear if on else self._running.going.set)()
            self.changed.emit()

    def finish_early(self) -> None:
        """End the training that runs; its best epoch so far becomes the model."""
        if self._running is not None:
            self._running.ends.set()
            self._running.going.set()

    def interrupted(self) -> list[TrainingRequest]:
        """Return trainings on the open project that can be resumed."""
        found = []
        running = self.request
        for file in sorted(self.folder.glob(f"*{_REQUEST}")):
            with suppress(OSError, ValidationError, ValueError):
                text = file.read_text(encoding="utf-8")
                request = TrainingRequest.model_validate_json(text)
                state = state_path(request.out)
                is_ours = request.project == self._session.project.path
                if is_ours and state.exists() and request != running:
                    found.append(request)
        return found

    def discard(self, request: TrainingRequest) -> None:
        """Delete the state of a training that was interrupted."""
        for file in (state_path(request.out), request.file):
            with suppress(OSError):
                file.unlink(missing_ok=True)
        self.changed.emit()

    def _finish(
        self, project: Project, request: TrainingRequest, model: TrainedModel
    ) -> None:
        assert model.spec.card is not None
        record = TrainingRound(
            name=request.title,
            path=str(model.spec.path),
            sha256=model.spec.sha256,
            card=model.spec.card,
        )
        # The user may have opened another project meanwhile.
        if project is self._session.project:
            number = project.next_id("training_round")
            project.remember(lambda db: write_round(db, number, record))
            self.rounds.append(record)
        self.trained.emit(model)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, StoppedEarly):
            self.noted.emit(
                "The training was ended before it was measured, so there is no model."
            )
        else:
            self.failed.emit(error)

    def _tell_cancelled(self, request: TrainingRequest) -> None:
        if state_path(request.out).exists():
            text = "It can be resumed where it was measured last."
        else:
            text = "No epoch was measured before, so nothing of it is kept."
        self.noted.emit(f"{request.title} was cancelled. {text}")

    def _end(self) -> None:
        running, self._running = self._running, None
        # Without a state, there is nothing to go on from.
        if running is not None and not state_path(running.request.out).exists():
            with suppress(OSError):
                running.request.file.unlink(missing_ok=True)
        self.changed.emit()

    def _load(self) -> None:
        """Read the rounds of the project that is open now."""
        project, self.rounds = self._session.project, []
        job = Job("Reading trainings", lambda _: project.read(read_rounds), quiet=True)

        def show(rounds: list[TrainingRound]) -> None:
            if project is self._session.project:
                self.rounds = rounds
                self.changed.emit()

        job.finished.connect(show)
        job.failed.connect(self.failed.emit)
        self._io_jobs.start(job)


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
    with replacing(request.file) as part:
        part.write_text(request.model_dump_json(), encoding="utf-8")
    return train_model(wanted, checkpoint, report)
