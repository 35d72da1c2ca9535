"""Reads off the GUI thread which cells of the masks shown a new run keeps."""

from __future__ import annotations

from math import prod

from psygnal import Signal
from qtpy.QtCore import QTimer

from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.hand_edits import hand_edits
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
from cellpose_studio.app.session.while_open import while_open
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.provenance.hand_edits import HandEdits
from cellpose_studio.io.masks.mapped import empty_labels

_DELAY = 300
"""ms in which edits are looked at together."""
_LARGE = 1 << 24
"""Pixels of masks that are looked at only when the user has rested for `_REST` ms."""
_REST = 4000


class KeptReader:
    """Emits what was made by hand of the masks shown, again whenever they change.

    Nothing is read while it is not active.
    """

    changed = Signal(object)  # HandEdits; None without masks
    failed = Signal(Exception)

    def __init__(self, session: Session, queue: JobQueue) -> None:
        self._session = session
        self._queue = queue
        self._active = False
        self._due = True
        self._job: Job | None = None
        self._timer = QTimer(singleShot=True, interval=_DELAY)
        self._timer.timeout.connect(self._read)
        session.shown_changed.connect(self._on_image)
        session.masks_changed.connect(self._on_masks)

    def set_active(self, on: bool) -> None:
        """Read while ``on``."""
        self._active = on
        if on and self._due:
            self._timer.start(0)

    def _on_image(self, _: ProjectImage | None) -> None:
        self._due = True
        if self._active:
            self._timer.start(0)

    def _on_masks(self, change: MasksChange) -> None:
        if change.image is self._session.shown and change.kind != "drafted":
            self._due = True
            self._soon()

    def _soon(self) -> None:
        image = self._session.shown
        if not self._active or image is None:
            return
        if prod(image.source.label_shape) > _LARGE:
            self._timer.start(_REST)
        # A running timer is not restarted: strokes would postpone the reading.
        elif not self._timer.isActive():
            self._timer.start(_DELAY)

    def _read(self) -> None:
        if not self._active or self._job is not None:
            return
        image, project = self._session.shown, self._session.project
        masks = image.kept_masks(image.active) if image is not None else None
        self._due = False
        if image is None or masks is None:
            self.changed.emit(None)
            return
        if not masks.touched or not masks.pixels.loaded:
            # There is nothing to be found in the pixels.
            self.changed.emit(masks.hand_edits)
            return
        highest, taken = masks.pixels.highest, [masks.pixels.snapshot()]

        def work(_: object) -> HandEdits:
            # Released at the end, so that edits need not copy what they change.
            present = taken.pop().array(empty_labels)
            table = CellTable.of(present, highest)
            return hand_edits(project, masks, present, table)

        job = self._job = Job("Reading what was edited", work, quiet=True)
        job.finished.connect(lambda found: self._finish(image, masks, found))
        job.failed.connect(while_open(self._session, self.failed.emit))
        job.ended.connect(self._on_end)
        self._queue.start(job)

    def _finish(self, image: ProjectImage, masks: LabelSet, found: HandEdits) -> None:
        now = image.kept_masks(image.active)
        same = now is not None and now.pixels is masks.pixels
        if same and image is self._session.shown:
            self.changed.emit(found)

    def _on_end(self) -> None:
        self._job = None
        if self._due:
            self._soon()
