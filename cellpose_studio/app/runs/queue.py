"""The queue of runs over many images, which the project remembers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from psygnal import Signal

from cellpose_studio.app.failures import failure_of
from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.masks.label_set import RUN_RESULT
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.writer import Change
from cellpose_studio.app.runs.runner import Runs
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.errors import ProjectUnusable
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.catalogue import find
from cellpose_studio.io.project.tables.run_queue import (
    BatchItem,
    BatchState,
    delete_items,
    read_batch,
    write_items,
)

__all__ = ["BatchItem", "BatchQueue", "BatchState", "reference"]

_MASKS_STATE = "batch_masks"
"""By item the name of the masks that its run writes to, if that is not the usual."""

TAKEN_OFF = "The image was taken off the list."


def reference(model: ModelSpec) -> str:
    """Return what the project calls a model, and `find` finds it by."""
    return model.name if model.source == "shipped" else str(model.path)


class BatchQueue:
    """Runs on images of the project, one after another.

    A run is only handed to the job queue when the one before has ended, so that
    runs that the user starts meanwhile go before the rest. One that fails does not
    stop the others. Every change of state is written to the project; opened again,
    it has the queue where it was, paused.
    """

    changed = Signal()  # counts, or whether it is paused
    items_changed = Signal(object)  # list[BatchItem]: new ones, or of another state
    items_removed = Signal(object)  # list[BatchItem]
    progressed = Signal(int, int)  # tiles of the present run: done, and in all
    ended = Signal()  # nothing waits or runs any more
    failed = Signal(Exception)  # the queue itself, not a run

    def __init__(self, session: Session, runs: Runs, queue: JobQueue) -> None:
        self._session = session
        self._runs = runs
        self._queue = queue
        self._items: dict[int, BatchItem] = {}
        self._models: dict[str, ModelSpec] = {}
        self._names: dict[str, str] = {}
        self._job: Job | None = None
        self._open = False
        self.paused = False
        session.project_changed.connect(self._load)
        self._load()

    @property
    def items(self) -> tuple[BatchItem, ...]:
        """All items in their order, also those that are done."""
        return tuple(self._items.values())

    @property
    def counts(self) -> Counter[BatchState]:
        """How many items there are of each state."""
        return Counter(item.state for item in self._items.values())

    @property
    def left(self) -> int:
        """How many items are not done: waiting, or running."""
        counts = self.counts
        return counts["waiting"] + counts["running"]

    def in_state(self, state: BatchState) -> list[BatchItem]:
        """Return the items of a state, in their order."""
        return [item for item in self._items.values() if item.state == state]

    # What the user wants

    def add(
        self,
        images: Iterable[ProjectImage],
        model: ModelSpec,
        parameters: SegmentationParameters,
        masks: str = RUN_RESULT,
    ) -> None:
        """Queue runs on images, and go on if the queue was paused.

        For the masks of a name, to which the runs write, an image waits once: the
        newest wish for it counts.
        """
        sources = list(dict.fromkeys(image.id for image in images))
        if not self.left:
            self.clear_finished()
        again = set(sources)
        waiting = [i for i in self.in_state("waiting") if i.masks == masks]
        self._remove([i for i in waiting if i.image in again])
        name = reference(model)
        self._models[name] = model
        self._set(
            BatchItem(
                id=self._new_id(),
                image=source,
                state="waiting",
                model=name,
                parameters=parameters,
                masks=masks,
            )
            for source in sources
        )
        self.resume()

    def pause(self) -> None:
        """Start no other run; the one that runs goes on to its end."""
        self.paused = True
        self.changed.emit()

    def resume(self) -> None:
        """Go on."""
        self.paused = False
        self.changed.emit()
        self._advance()

    def cancel(self) -> None:
        """Stop the run that runs, and leave out the rest."""
        self._set(replace(i, state="cancelled") for i in self.in_state("waiting"))
        if self._job is not None:
            self._job.cancel()
        self._advance()

    def cancel_item(self, number: int) -> None:
        """Leave out one run, or stop it."""
        item = self._items[number]
        if item.state == "waiting":
            self._set([replace(item, state="cancelled")])
            self._advance()
        elif item.state == "running" and self._job is not None:
            self._job.cancel()

    def retry_failed(self) -> None:
        """Run again what failed, and go on if the queue was paused."""
        self._set(
            replace(i, state="waiting", message="") for i in self.in_state("failed")
        )
        self.resume()

    def clear_finished(self) -> None:
        """Forget what is done, failed or cancelled."""
        kept = ("waiting", "running")
        self._remove([i for i in self.items if i.state not in kept])

    # Going on

    def _advance(self) -> None:
        """Start the next run, if it is time for one; or tell that it was the last."""
        while not self.paused and self._job is None:
            item = next((i for i in self.items if i.state == "waiting"), None)
            if item is None:
                break
            self._begin(item)
        if self._open and not self.left:
            self._open = self.paused = False
            self.changed.emit()
            self.ended.emit()

    def _begin(self, item: BatchItem) -> None:
        image = self._session.image_of(item.image)
        if image is None:
            self._set([replace(item, state="cancelled", message=TAKEN_OFF)])
        elif item.model in self._models:
            self._start(item, image)
        else:
            self._look_for(item.model)

    def _start(self, item: BatchItem, image: ProjectImage) -> None:
        self._set([replace(item, state="running")])
        model = self._models[item.model]
        job = self._runs.start(
            image, model, item.parameters, tell=False, masks=item.masks
        )

        def end(state: BatchState, message: str = "") -> None:
            if self._job is job:
                self._set([replace(item, state=state, message=message)])

        def progress(done: int, total: int, what: str) -> None:
            if self._job is job and what == "tile":
                self.progressed.emit(done, total)

        job.progress.connect(progress)
        job.finished.connect(lambda _: end("done"))
        job.failed.connect(lambda error: end("failed", _sentence(error)))
        job.cancelled.connect(lambda: end("cancelled"))
        self._follow(job)

    def _look_for(self, name: str) -> None:
        """Find a model that the project names; without it, its items fail."""
        job = Job("Looking for the model", lambda _: find(name), quiet=True)

        def keep(model: ModelSpec) -> None:
            self._models[name] = model

        def give_up(error: Exception) -> None:
            if self._job is job:
                lost = [i for i in self.in_state("waiting") if i.model == name]
                message = _sentence(error)
                self._set(replace(i, state="failed", message=message) for i in lost)

        job.finished.connect(keep)
        job.failed.connect(give_up)
        self._follow(job)
        self._queue.start(job)

    def _follow(self, job: Job) -> None:
        self._job = job
        job.ended.connect(lambda: self._on_end(job))

    def _on_end(self, job: Job) -> None:
        # That of another project, which was open before, is not ours any more.
        if self._job is not job:
            return
        self._job = None
        self._advance()

    # Keeping

    def _load(self) -> None:
        """Take up the queue of the project that is open now."""
        if self._job is not None:
            self._job.cancel()
        self._job = None
        self._models.clear()
        # What was running when the program ended has to run again.
        self._items = {
            item.id: replace(item, state="waiting") if item.state == "running" else item
            for item in self._read()
        }
        self._session.project.queued = self._items
        self._names = {}
        self._open = self.paused = self.left > 0
        self.changed.emit()

    def _read(self) -> list[BatchItem]:
        project = self._session.project
        if project.read_only_reason:
            # Whoever may write to it has the queue.
            return []
        try:
            names = project.state(_MASKS_STATE)
            return [
                replace(item, masks=names.get(str(item.id), RUN_RESULT))
                for item in project.read(read_batch)
            ]
        except ProjectUnusable as error:
            self.failed.emit(error)
            return []

    def _new_id(self) -> int:
        return self._session.project.next_id("batch")

    def _set(self, items: Iterable[BatchItem]) -> None:
        """Add items, or give them another state."""
        changed = list(items)
        if changed:
            self._items.update((item.id, item) for item in changed)
            self._open = self._open or self.left > 0
            names = {
                str(item.id): item.masks
                for item in self._items.values()
                if item.masks != RUN_RESULT
            }
            changes: list[Change] = [lambda db: write_items(db, changed)]
            if names != self._names:
                self._names = names
                changes.append(self._session.project.state_change(_MASKS_STATE, names))
            # Together: a run must not go into other masks after a kill in between.
            self._session.project.submit(*changes)
            self.items_changed.emit(changed)
            self.changed.emit()

    def _remove(self, items: list[BatchItem]) -> None:
        if items:
            numbers = [item.id for item in items]
            for number in numbers:
                del self._items[number]
            self._session.project.submit(lambda db: delete_items(db, numbers))
            self.items_removed.emit(items)
            self.changed.emit()


def _sentence(error: Exception) -> str:
    failure = failure_of(error)
    return f"{failure.message} {failure.hint}".strip()
