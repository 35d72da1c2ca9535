"""Makes the thumbnails of the images that are looked at, off the GUI thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from qtpy.QtCore import QObject, Qt, Signal

from cellpose_studio.app.failures import failure_of
from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.cache.thumbnails import ThumbnailCache


class Thumbnails(QObject):
    """Makes thumbnails one after another, those that were asked for last.

    Parameters
    ----------
    cache
        Where those are that were made before.
    """

    made = Signal(object, object)  # the image, its thumbnail
    failed = Signal(object, str)  # the image, why it has none
    _made = Signal(object, object)  # the same, by the thread of the pool
    _failed = Signal(object, str)

    def __init__(self, cache: ThumbnailCache) -> None:
        super().__init__()
        self._cache = cache
        self._queue = JobQueue(self)
        # Its methods are atomic: one thread fills it, another one empties it.
        self._wanted: deque[ImageSource] = deque()
        queued = Qt.ConnectionType.QueuedConnection
        # The pool's thread emits only private signals; the public ones are for the GUI
        # thread.
        self._made.connect(self.made, queued)
        self._failed.connect(self.failed, queued)

    def want(self, images: Iterable[ImageSource]) -> None:
        """Make the thumbnails of ``images``, and of no others any more."""
        self._wanted = deque(images)
        if self._wanted and not self._queue.jobs:
            job = Job("Making thumbnails", self._make, quiet=True)
            self._queue.start(job)
            # What was asked for while the job was ending.
            job.ended.connect(lambda: self.want(self._wanted))

    def shut_down(self) -> None:
        """Stop, for good."""
        # Also what a thread has said, and nobody has heard yet.
        self.blockSignals(True)
        self._wanted = deque()
        self._queue.shut_down()

    def _make(self, checkpoint: Checkpoint) -> None:
        while self._wanted:
            checkpoint.check()
            try:
                image = self._wanted.popleft()
            # The other thread may have replaced the deque since the test.
            except IndexError:
                return
            try:
                self._made.emit(image, self._cache.of(image))
            # One that cannot be read must not keep the others from being seen.
            except Exception as error:
                self._failed.emit(image, failure_of(error).message)
