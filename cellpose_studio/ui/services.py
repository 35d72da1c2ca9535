"""Services that the tabs, actions and dialogs of the window share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from qtpy.QtWidgets import QWidget

from cellpose_studio.app.failures import failure_of
from cellpose_studio.app.images.large_images import LargeImages
from cellpose_studio.app.images.training_set import TrainingSet
from cellpose_studio.app.jobs import Job, JobQueue, Work
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.selection import Selection
from cellpose_studio.app.session.session import Session
from cellpose_studio.app.session.while_open import cancel_once_left, while_open
from cellpose_studio.app.settings import Settings
from cellpose_studio.paths import cache_dir
from cellpose_studio.ui.widgets.message_bar import MessageBar

OnceLeft = Literal["goes on", "is dropped", "is told"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Services:
    """Shared parts of the application, one instance of each.

    Attributes
    ----------
    session, selection, settings
        The open project, the selected cell, and the settings kept between starts.
    training
        What images are for in training.
    messages
        Shows failures and notes above the image.
    io_jobs
        Queue of file access and short work, which must not wait for a network.
    stack_jobs
        Queue for reading stacks. That takes seconds, for which sliders and undo must
        not wait.
    gpu_jobs
        Queue of the networks.
    display_jobs, tile_jobs
        Queues for coarser copies of large images, which take minutes, and for their
        pixels in view, which must not wait for these.
    measure_jobs
        Queue of measurements, which may take minutes for all images.
    train_jobs
        Queue of trainings, which take minutes, for which runs must not wait.
    download_jobs
        Queue of downloads, which may take minutes.
    warm_up_jobs
        Queue of what is loaded and compiled ahead, for which nothing else must wait.
    large
        Which images are shown by coarser copies, and these.
    parent
        Parent widget of dialogs.
    show_tab
        Brings a tab to the front.
    """

    session: Session
    selection: Selection
    settings: Settings
    training: TrainingSet
    messages: MessageBar
    io_jobs: JobQueue
    stack_jobs: JobQueue
    display_jobs: JobQueue
    tile_jobs: JobQueue
    gpu_jobs: JobQueue
    measure_jobs: JobQueue
    train_jobs: JobQueue
    download_jobs: JobQueue
    warm_up_jobs: JobQueue
    large: LargeImages
    parent: QWidget
    show_tab: Callable[[QWidget], None]

    @property
    def queues(self) -> tuple[JobQueue, ...]:
        """All queues; the first may take longest to stop."""
        return (
            self.gpu_jobs,
            self.train_jobs,
            self.io_jobs,
            self.stack_jobs,
            self.display_jobs,
            self.tile_jobs,
            self.measure_jobs,
            self.download_jobs,
            self.warm_up_jobs,
        )

    @property
    def queues_with_bar(self) -> tuple[JobQueue, ...]:
        """The queues whose jobs have a bar.

        Those for stacks have none: the side views show that a stack is being read.
        """
        return (
            self.gpu_jobs,
            self.io_jobs,
            self.measure_jobs,
            self.train_jobs,
            self.download_jobs,
            self.display_jobs,
        )

    def show_error(self, error: Exception, action: str = "") -> None:
        """Show an error in the message bar, until the ``action`` has succeeded."""
        self.messages.fail(failure_of(error), action)

    def tell_left(self, title: str) -> None:
        """Tell that nothing came of work, because its project was left."""
        self.messages.note(
            f"{title}: another project was opened meanwhile, so nothing was done."
        )

    def run(
        self,
        title: str,
        work: Work,
        done: Callable[[Any], object] | None = None,
        *,
        quiet: bool = False,
        queue: JobQueue | None = None,
        once_left: OnceLeft = "goes on",
    ) -> Job:
        """Start a job; show its error if it fails.

        Parameters
        ----------
        title
            Text of the progress bar: "Opening a.tif".
        work
            Called on a worker thread; it must not access a widget or live pixels.
        done
            Called on the GUI thread with the return value of ``work``.
        quiet
            Whether to hide the job from the progress bar.
        queue
            Queue of the job; `io_jobs` by default.
        once_left
            What becomes of it once another project is open. "goes on": its result is
            of no project, such as a file. Else it is cancelled, and neither is ``done``
            called nor its error shown; "is told": the user reads that.

        Returns
        -------
        The job, queued or running.
        """
        job, failed = Job(title, work, quiet), self.show_error
        if once_left == "goes on":
            if done is not None:
                job.finished.connect(done)
            job.failed.connect(failed)
        else:
            told = once_left == "is told"
            late = partial(self.tell_left, title) if told else None
            ends = (job.finished, done), (job.failed, failed), (job.cancelled, None)
            for signal, call in ends:
                signal.connect(while_open(self.session, call or _nothing, late))
            cancel_once_left(self.session, job)
        return (queue or self.io_jobs).start(job)


def _nothing(*_: object) -> None:
    """Stand for what nobody wants to hear of."""


def make_services(
    settings: Settings,
    project: Project,
    window: QWidget,
    show_tab: Callable[[QWidget], None],
) -> Services:
    """Return the services of a window, with queues that it owns."""
    session = Session(project)
    displays, tiles = JobQueue(window), JobQueue(window)
    services = Services(
        session=session,
        selection=Selection(session),
        settings=settings,
        training=TrainingSet(session),
        messages=MessageBar(),
        io_jobs=JobQueue(window),
        stack_jobs=JobQueue(window),
        display_jobs=displays,
        tile_jobs=tiles,
        large=LargeImages(displays, tiles, cache_dir() / "pyramids"),
        measure_jobs=JobQueue(window),
        train_jobs=JobQueue(window),
        gpu_jobs=JobQueue(window),
        download_jobs=JobQueue(window),
        warm_up_jobs=JobQueue(window),
        parent=window,
        show_tab=show_tab,
    )
    for queue in services.queues:
        queue.queued.connect(services.messages.follow)
    # What it would do belongs to the project before.
    session.project_changed.connect(services.messages.withdraw_offer)
    return services
