"""Caches the time point that side views are cut from."""

from __future__ import annotations

from math import prod

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, Signal

from cellpose_studio.app.jobs import Job
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.ui.services import Services

LARGEST = 2 * 1024**3
"""Most bytes of a time point to keep in memory."""

Stack = npt.NDArray[np.generic]


class StackCache(QObject):
    """Reads a requested time point in a job, and keeps only that one."""

    changed = Signal()

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self._requested: tuple[ImageSource, int] | None = None
        self._stack: Stack | None = None
        self._job: Job | None = None
        self.state = ""
        """Reason why there is no stack; "" if there is one, or none was requested."""

    @property
    def stack(self) -> Stack | None:
        """(C, Z, Y, X) of the last request; None until it is read."""
        return self._stack

    def request(self, image: ImageSource | None, t: int = 0) -> None:
        """Read a time point unless it is cached; None releases the memory."""
        requested = None if image is None else (image, t)
        if requested == self._requested:
            return
        self._requested, self._stack, self.state = requested, None, ""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        if image is not None:
            self._read(image, t)
        self.changed.emit()

    def _read(self, image: ImageSource, t: int) -> None:
        size = prod(image.shape[1:]) * image.dtype.itemsize
        if size > LARGEST:
            self.state = (
                f"The image is too large for side views: {_gb(size)}, at most "
                f"{_gb(LARGEST)}. Only masks are shown."
            )
            return
        self.state = "Reading the stack…"
        job = self._job = Job(
            f"Reading {image.name}", lambda check: _read(image, t, check), quiet=True
        )
        job.finished.connect(lambda stack: self._on_read(job, stack))
        job.failed.connect(lambda error: self._on_failed(job, error))
        self._services.stack_jobs.start(job)

    def _on_read(self, job: Job, stack: Stack) -> None:
        # A cancelled job may still finish, after another one was requested.
        if job is self._job:
            self._job, self._stack, self.state = None, stack, ""
            self.changed.emit()

    def _on_failed(self, job: Job, error: Exception) -> None:
        if job is self._job:
            self._job, self.state = None, "The stack cannot be read."
            self._services.show_error(error)
            self.changed.emit()


def _read(image: ImageSource, t: int, checkpoint: Checkpoint) -> Stack:
    stack = np.empty(image.shape[1:], image.dtype)
    for c, z in np.ndindex(image.channels, image.planes):
        checkpoint.check()
        stack[c, z] = image.plane(t, c, z)
    return stack


def _gb(size: int) -> str:
    return f"{size / 1024**3:.1f} GB"
