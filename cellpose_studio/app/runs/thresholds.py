"""New masks for other thresholds, from flows that are kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import QTimer

from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.masks.merge import Before
from cellpose_studio.app.runs.runner import _over_present
from cellpose_studio.app.session.session import Entry, Session
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.core.runs.hints import hint_for
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.catalogue import shipped

if TYPE_CHECKING:
    pass


_REST = 500
"""ms that a slider is at rest before its masks are worth a revision."""


class Thresholds:
    """New masks for other thresholds, from flows that are kept.

    Only the newest wish for an image counts: one that comes while its masks are
    being made stops that work and takes its place. What a slider passes on its way
    is a preview; a moment after it has come to rest, its masks are a revision.
    """

    failed = Signal(Exception)

    def __init__(self, session: Session, queue: JobQueue) -> None:
        self._session = session
        self._queue = queue
        self._jobs: dict[Entry, Job] = {}
        self._resting = QTimer(singleShot=True, interval=_REST)
        self._resting.timeout.connect(self._keep)

    def end_gesture(self) -> None:
        """Make a revision of what is shown, as soon as its masks are there."""
        self._resting.start(0)

    def change(self, entry: Entry, parameters: SegmentationParameters) -> None:
        """Make the masks of the active label set of ``entry`` for ``parameters``."""
        before = entry.labels
        if before is None or before.maker is None:
            return
        if entry in self._jobs:
            self._jobs[entry].cancel()
        self._resting.start(_REST)
        maker, project = before.maker, self._session.project

        def work(checkpoint: Checkpoint) -> tuple[LabelSet, Before]:
            labels = maker.masks(parameters, checkpoint)
            confidence = maker.confidence(labels, parameters, checkpoint)
            made = replace(
                before,
                pixels=LabelImage(labels),
                cells=len(confidence.ids),
                parameters=parameters,
                confidence=confidence,
                hint=_hint(before, confidence),
                revision=None,
                edited=False,
            )
            return _over_present(project, entry, made, checkpoint)

        job = self._jobs[entry] = Job("Making masks", work, quiet=True)
        job.finished.connect(lambda result: self._finish(entry, *result))
        job.failed.connect(self.failed.emit)
        job.ended.connect(lambda: self._forget(entry, job))
        self._queue.start(job)

    def _finish(self, entry: Entry, after: LabelSet, seen: Before) -> None:
        self._session.end_stroke()
        now = entry.labels
        # A run or an undo may have come in between; its masks are not ours to change.
        if now is None or now.maker is not after.maker:
            return
        if Before.of(entry, after.name).is_same(seen):
            self._session.preview(entry, after)
        else:
            # What the user drew meanwhile is to stay.
            self.change(entry, after.parameters)

    def _keep(self) -> None:
        """Make revisions of the previews, unless newer ones are on their way."""
        for entry in self._session.entries:
            if entry.preview_of is not None and entry not in self._jobs:
                self._session.keep_preview(entry, "Change thresholds")

    def _forget(self, entry: Entry, job: Job) -> None:
        if self._jobs.get(entry) is job:
            del self._jobs[entry]
            if not self._resting.isActive():
                self._keep()


def _hint(labels: LabelSet, confidence: Confidence) -> str:
    """Return the hint for masks of other thresholds; none where no model is known."""
    if labels.model is None:
        return ""
    return hint_for(confidence, labels.model, shipped())
