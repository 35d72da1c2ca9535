"""New masks for other thresholds, from flows that are kept."""

from __future__ import annotations

from dataclasses import replace

from psygnal import Signal
from qtpy.QtCore import QTimer

from cellpose_studio.app.jobs import Job, JobQueue, Work
from cellpose_studio.app.masks.label_set import LabelImage
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.runs.merging import Merged, Merging
from cellpose_studio.app.session.session import Session
from cellpose_studio.app.session.while_open import while_open
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.provenance.hand_edits import HandEdits
from cellpose_studio.core.runs.parameters import SegmentationParameters

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
        self._jobs: dict[ProjectImage, Job] = {}
        self._resting = QTimer(singleShot=True, interval=_REST)
        self._resting.timeout.connect(self._keep)

    def end_gesture(self) -> None:
        """Make a revision of what is shown, as soon as its masks are there."""
        self._resting.start(0)

    def change(self, image: ProjectImage, parameters: SegmentationParameters) -> None:
        """Make the masks of the active label set of ``image`` for ``parameters``."""
        before = image.masks
        if before is None or before.maker is None:
            return
        if image in self._jobs:
            self._jobs[image].cancel()
        self._resting.start(_REST)
        maker, merging = before.maker, Merging(self._session, image)

        def work(checkpoint: Checkpoint) -> Merged:
            labels = maker.masks(parameters, checkpoint)
            confidence = maker.confidence(labels, parameters, checkpoint)
            made = replace(
                before,
                pixels=LabelImage(labels),
                cells=len(confidence.ids),
                parameters=parameters,
                confidence=confidence,
                revision=None,
                edited=False,
                kept=HandEdits(),
                kept_cells=0,
                touched={},
                left_out=None,
            )
            return Merged(made)

        def then(result: Merged) -> Work | None:
            return merging.next(result) if self._is_wanted(image, result) else None

        job = self._jobs[image] = Job("Making masks", work, quiet=True, then=then)
        job.finished.connect(lambda result: self._finish(image, result))
        job.failed.connect(while_open(self._session, self.failed.emit))
        job.ended.connect(lambda: self._forget(image, job))
        self._queue.start(job)

    def _finish(self, image: ProjectImage, result: Merged) -> None:
        if not self._is_wanted(image, result):
            return
        if result.error is not None:
            self.failed.emit(result.error)
        else:
            self._session.preview(image, result.labels)

    def _is_wanted(self, image: ProjectImage, result: Merged) -> bool:
        """Return whether masks still come from the same flows, in the open project."""
        # A run or an undo may have come in between; its masks are not ours to change.
        now = image.masks if self._session.images.is_known(image) else None
        return now is not None and now.maker is result.labels.maker

    def _keep(self) -> None:
        """Make revisions of the previews, unless newer ones are on their way."""
        for image in self._session.images:
            if image not in self._jobs:
                self._session.commit_pending(image)

    def _forget(self, image: ProjectImage, job: Job) -> None:
        if self._jobs.get(image) is job:
            del self._jobs[image]
            if not self._resting.isActive():
                self._keep()
