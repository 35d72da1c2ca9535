"""Finds out which images of a session are missing, off the GUI thread."""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal
from qtpy.QtCore import QObject, QTimer

from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.session.session import Session
from cellpose_studio.io.images.missing import missing_files

_DELAY = 200
"""ms"""


class MissingImages(QObject):
    """Looks for the files of a session whenever its images change.

    ``changed`` is emitted on the GUI thread when other files are missing than before.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._paths: frozenset[Path] = frozenset()
        # Of its own: a drive that does not answer must not hold up other work.
        self._queue = JobQueue(self)
        # While a large folder is opened, images come many times a second.
        self._soon = QTimer(self, singleShot=True, interval=_DELAY)
        self._soon.timeout.connect(self._start)
        session.images_changed.connect(self.look)
        self.look()

    def __contains__(self, path: Path) -> bool:
        """Return whether the file was missing when it was last looked for."""
        return path in self._paths

    def look(self) -> None:
        """Look again, soon."""
        self._soon.start()

    def shut_down(self) -> None:
        """Stop looking, for good."""
        self._soon.stop()
        # A late call of `look` must not start a job in the closed queue.
        self._soon.timeout.disconnect()
        self._queue.shut_down()

    def _start(self) -> None:
        self._queue.cancel_all()
        paths = [image.source.path for image in self._session.images]
        job = Job("Looking for images", lambda c: missing_files(paths, c), quiet=True)
        job.finished.connect(self._on_found)
        self._queue.start(job)

    def _on_found(self, paths: frozenset[Path]) -> None:
        if paths != self._paths:
            self._paths = paths
            self.changed.emit()
