"""Brings masks that are shown or undone into memory, off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod

from psygnal import Signal

from cellpose_studio.app.flow_store import FlowStore
from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.app.session.while_open import while_open
from cellpose_studio.app.undo.steps import UndoStep
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.io.project.tables.confidence import read_confidence
from cellpose_studio.io.project.tables.revision_source import read_touched
from cellpose_studio.io.project.tables.runs import read_run
from cellpose_studio.workflows.recompute import LazyMaskMaker

_QUICKLY_READ = 1 << 22
"""Pixels of masks that are read before anybody notices."""


@dataclass(frozen=True, eq=False)
class _Found:
    """What a project and the cache know of masks besides their pixels."""

    record: RunRecord | None = None
    confidence: Confidence | None = None
    flows: Flows | None = None
    touched: dict[int, frozenset[int]] = field(default_factory=dict)
    error: StudioError | None = None


class MaskLoader:
    """Reads masks that only the project has yet, with all that is known of them.

    Without their flows, if the cache has lost them: then thresholds need a run.
    """

    failed = Signal(Exception)

    def __init__(self, session: Session, queue: JobQueue, flows: FlowStore) -> None:
        self._session = session
        self._queue = queue
        self._flows = flows
        self._on_their_way: dict[LabelImage, list[Callable[[bool], None]]] = {}
        session.shown_changed.connect(self._on_shown)
        session.masks_changed.connect(self._on_masks)
        session.use_loader(self)

    def load_step(self, step: UndoStep, then: Callable[[bool], None]) -> None:
        """Read what a step does; call ``then`` with whether it is in memory."""
        job = Job(f"Reading {step.text}", lambda _: step.read(), quiet=True)
        job.failed.connect(while_open(self._session, self.failed.emit))
        job.ended.connect(lambda: then(step.is_read))
        self._queue.start(job)

    def load_masks(
        self, image: ProjectImage, masks: LabelSet, then: Callable[[bool], None]
    ) -> None:
        """Read masks; call ``then`` with whether they can be used.

        Small ones are read by whoever uses them.
        """
        if prod(image.source.label_shape) > _QUICKLY_READ:
            self._load(image, masks)
        waiting = self._on_their_way.get(masks.pixels)
        if waiting is None:
            then(True)
        else:
            waiting.append(then)

    def draw_masks(
        self, image: ProjectImage, masks: LabelSet, then: Callable[[bool], None]
    ) -> None:
        """Draw masks that are about to be shown; call ``then``.

        Small ones are drawn by the canvas.
        """
        pixels = masks.pixels
        if not pixels.is_slow_to_draw:
            then(True)
            return
        statuses = dict(image.statuses.get(masks.name, {}))
        job = Job(
            f"Drawing {masks.name}", lambda _: pixels.draw_ahead(statuses), quiet=True
        )
        job.failed.connect(while_open(self._session, self.failed.emit))
        job.ended.connect(lambda: then(True))
        self._queue.start(job)

    def _on_shown(self, image: ProjectImage | None) -> None:
        if image is not None:
            for name in image.label_sets:
                self._load(image, image.label_sets[name])

    def _on_masks(self, change: MasksChange) -> None:
        image = change.image
        labels = image.label_sets.get(change.name)
        if image is self._session.shown and labels is not None:
            self._load(image, labels)

    def _load(self, image: ProjectImage, labels: LabelSet) -> None:
        pixels, project = labels.pixels, self._session.project
        if pixels.loaded or pixels in self._on_their_way:
            return
        self._on_their_way[pixels] = []

        statuses = dict(image.statuses.get(labels.name, {}))

        def work(_: object) -> _Found:
            pixels.load()
            pixels.draw_ahead(statuses)
            return self._found(project, image, labels)

        def end() -> None:
            for then in self._on_their_way.pop(pixels):
                then(pixels.loaded)

        job = Job(f"Reading {labels.name}", work, quiet=True)
        finish = partial(self._finish, image, labels)
        job.finished.connect(while_open(self._session, finish))
        job.failed.connect(while_open(self._session, self.failed.emit))
        job.ended.connect(end)
        self._queue.start(job)

    def _found(self, project: Project, image: ProjectImage, labels: LabelSet) -> _Found:
        """Return what is known; masks are drawn also if the rest cannot be read."""
        run, revision = labels.run, labels.revision
        assert revision is not None
        found = _Found()
        try:
            record = project.read(lambda db: read_run(db, run)) if run else None
            flows = self._flows.get(image.source, record, revision)
            found = _Found(record, flows=flows)
            confidence = project.read(lambda db: read_confidence(db, revision.id))
            found = replace(found, confidence=confidence)
            unread = tuple(n for n, cells in labels.touched.items() if cells is None)
            touched = project.read(lambda db: read_touched(db, unread))
        except StudioError as error:
            return replace(found, error=error)
        return replace(found, touched=touched)

    def _finish(self, image: ProjectImage, labels: LabelSet, found: _Found) -> None:
        maker = None
        if found.flows is not None:
            maker = LazyMaskMaker(found.flows, image.source.label_shape)
        self._session.complete(
            image,
            labels,
            record=found.record,
            touched=found.touched,
            confidence=found.confidence,
            flows=found.flows,
            maker=maker,
        )
        if found.error is not None:
            self.failed.emit(found.error)
