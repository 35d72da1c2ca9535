"""Knows the cells of the masks that are shown, off the GUI thread."""

from __future__ import annotations

from psygnal import Signal
from qtpy.QtCore import QTimer

from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.label_set import LabelImage
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
from cellpose_studio.app.session.while_open import while_open
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.review.cell_shapes import cell_shapes
from cellpose_studio.core.review.queue import Review, measured_again, review_of
from cellpose_studio.io.masks.mapped import empty_labels

_DELAY = 100
"""ms in which edits are looked at together."""
_MANY = 500
"""Cells that were edited; for more, all are measured."""


class CellMeasurer:
    """Tells what is known of the cells that are shown, again whenever they change.

    Nothing is measured while nobody looks.
    """

    changed = Signal(object)  # Review; None while that of these masks is not known
    failed = Signal(Exception)

    def __init__(self, session: Session, queue: JobQueue) -> None:
        self._session = session
        self._queue = queue
        self._looking: set[str] = set()
        self._job: Job | None = None
        self._review: Review | None = None
        self._of: LabelImage | None = None
        self._edited: set[int] = set()
        self._due = True
        self._timer = QTimer(singleShot=True, interval=_DELAY)
        self._timer.timeout.connect(self._measure)
        session.shown_changed.connect(lambda _: self._forget())
        session.masks_changed.connect(self._on_masks)
        session.statuses_changed.connect(self._on_statuses)

    @property
    def review(self) -> Review | None:
        """What is known at present; None if nothing is."""
        return self._review

    def set_active(self, looking: bool, who: str) -> None:
        """Say whether somebody looks."""
        (self._looking.add if looking else self._looking.discard)(who)
        if looking and (self._due or self._edited):
            self._timer.start(0)

    def _forget(self) -> None:
        """Forget what was known; the masks are others, or there are none."""
        self._review, self._of = None, None
        self._due = True
        self._edited.clear()
        self.changed.emit(None)
        self._soon()

    def _on_masks(self, change: MasksChange) -> None:
        image = change.image
        if image is not self._session.shown or change.kind == "drafted":
            return
        if change.edit is not None:
            if change.name == image.active:
                self._on_edit(change.edit)
        elif image.masks is None or not image.masks.pixels.loaded:
            self._forget()
        else:
            # While a slider moves, what was known of the masks before stays in sight.
            self._due = True
            self._soon()

    def _on_statuses(self, image: ProjectImage, name: str, _: object) -> None:
        """Update the uncertainties, for which nothing has to be measured.

        `changed` is not emitted: listeners to the statuses read them here.
        """
        review, masks = self._review, image.masks
        if image is not self._session.shown or name != image.active:
            return
        if review is None or masks is None or masks.pixels is not self._of:
            return
        self._review = review_of(review.shapes, masks.confidence, image.decided(name))

    def _on_edit(self, edit: LabelEdit) -> None:
        # Of thousands of cells, their pixels need not be asked.
        self._due |= len(edit.cells) > _MANY
        if not self._due:
            self._edited |= edit.touched_cells()
        self._due |= len(self._edited) > _MANY
        self._soon()

    def _soon(self) -> None:
        if self._looking and not self._timer.isActive():
            self._timer.start()

    def _measure(self) -> None:
        image = self._session.shown
        if not self._looking or self._job is not None or image is None:
            return
        labels = image.masks
        if labels is None or not labels.pixels.loaded:
            return
        before = None if self._due or self._of is not labels.pixels else self._review
        cells, self._edited, self._due = self._edited, set(), False
        pixels, confidence = labels.pixels, labels.confidence
        decided = image.decided(image.active)
        in_time = image.source.frames > 1
        table = pixels.cell_table()
        boxes = {cell: table.box(cell) for cell in cells}
        taken = [pixels.snapshot()]

        def work(_: object) -> Review:
            # Released at the end, so that edits need not copy what they change.
            snapshot = taken.pop()
            if before is None:
                shapes = cell_shapes(snapshot.array(empty_labels), in_time)
                return review_of(shapes, confidence, decided)
            return measured_again(before, snapshot, boxes, confidence, decided, in_time)

        job = self._job = Job("Looking at cells", work, quiet=True)
        job.finished.connect(lambda review: self._finish(image, pixels, review))
        job.failed.connect(while_open(self._session, self.failed.emit))
        job.ended.connect(self._on_end)
        self._queue.start(job)

    def _finish(self, image: ProjectImage, pixels: LabelImage, review: Review) -> None:
        now = image.masks
        if image is self._session.shown and now is not None and now.pixels is pixels:
            self._review, self._of = review, pixels
            self.changed.emit(review)

    def _on_end(self) -> None:
        self._job = None
        if self._due or self._edited:
            self._soon()
