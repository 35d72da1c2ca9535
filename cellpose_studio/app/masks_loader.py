"""Reads the masks of the image that is shown, off the GUI thread."""

from __future__ import annotations

from psygnal import Signal

from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.session import Entry, Session


class MasksLoader:
    """Brings masks into memory that only the project has yet."""

    failed = Signal(Exception)

    def __init__(self, session: Session, queue: JobQueue) -> None:
        self._session = session
        self._queue = queue
        session.shown_changed.connect(self._on_shown)

    def _on_shown(self, entry: Entry | None) -> None:
        if entry is not None:
            for name in entry.label_sets:
                self._load(entry, name)

    def _load(self, entry: Entry, name: str) -> None:
        pixels = entry.label_sets[name].pixels
        if pixels.loaded:
            return
        job = Job(f"Reading {name}", lambda _: pixels.sizes(), quiet=True)
        job.finished.connect(lambda _: self._session.labels_changed.emit(entry, name))
        job.failed.connect(self.failed.emit)
        self._queue.start(job)
