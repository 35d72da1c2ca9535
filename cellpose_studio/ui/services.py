"""What the tabs, actions and dialogs of the window may use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qtpy.QtWidgets import QWidget

from cellpose_studio.app.failures import failure_of
from cellpose_studio.app.jobs import Job, JobQueue, Work
from cellpose_studio.app.selection import Selection
from cellpose_studio.app.session.session import Session
from cellpose_studio.app.settings import Settings
from cellpose_studio.ui.widgets.message_bar import MessageBar


@dataclass(frozen=True, kw_only=True, eq=False)
class Services:
    """The parts of the application that there is one of, whoever needs them.

    Attributes
    ----------
    session, selection, settings
        What is worked on, the chosen cell, and what is remembered between starts.
    messages
        Shows failures and notes above the image.
    io_jobs
        For files and short work: sliders must not wait for a network that runs.
    stack_jobs
        For reading stacks, which takes seconds: sliders and undo must not wait for
        that either.
    gpu_jobs
        For networks.
    parent
        The widget that dialogs belong to.
    show_tab
        Brings a tab to the front.
    """

    session: Session
    selection: Selection
    settings: Settings
    messages: MessageBar
    io_jobs: JobQueue
    stack_jobs: JobQueue
    gpu_jobs: JobQueue
    parent: QWidget
    show_tab: Callable[[QWidget], None]

    def show_error(self, error: Exception) -> None:
        """Show what went wrong."""
        self.messages.fail(failure_of(error))

    def run(
        self,
        title: str,
        work: Work,
        done: Callable[[Any], object] | None = None,
        *,
        quiet: bool = False,
        queue: JobQueue | None = None,
    ) -> Job:
        """Start a job; if it fails, the error is shown.

        Parameters
        ----------
        title
            What the user reads while it runs: "Opening a.tif".
        work
            Called on a worker thread; it must not touch a widget or live pixels.
        done
            Called on the GUI thread with what ``work`` returned.
        quiet
            The user is not told that it runs.
        queue
            Where it waits for its turn; `io_jobs` unless given.
        """
        job = Job(title, work, quiet)
        if done is not None:
            job.finished.connect(done)
        job.failed.connect(self.show_error)
        return (queue or self.io_jobs).start(job)
