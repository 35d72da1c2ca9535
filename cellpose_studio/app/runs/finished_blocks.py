"""The blocks of a run on disk, until its masks are in the project."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack

from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.checkpoint import Cancelled
from cellpose_studio.core.runs.segmentation import BlockSegmentation


class FinishedBlocks:
    """Holds the result of a run in blocks, which need not be there.

    If the program is killed while masks are merged and written, which takes minutes for
    large ones, the same run finds all of its blocks when it is started again.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()

    def hold(self, run: AbstractContextManager[BlockSegmentation]) -> BlockSegmentation:
        """Do a run, and return its result."""
        return self._stack.enter_context(run)

    def leave(self) -> None:
        """Leave the blocks for the same run, if it is started again."""
        self._stack.__exit__(Cancelled, Cancelled(), None)

    def remove_when_saved(self, project: Project, queue: JobQueue) -> None:
        """Remove the blocks in a job, once all that a project was told is on disk."""
        writer = project.writer

        def remove() -> None:
            if writer.pending:
                return
            writer.saved.disconnect(remove)
            job = Job("Removing blocks", lambda _: self._stack.close(), quiet=True)
            queue.start(job)

        writer.saved.connect(remove)
