"""Runs, and new masks from their flows: what is running, and where results go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import numpy as np
from psygnal import Signal
from pydantic import ValidationError

from cellpose_studio.app.jobs import Job, JobQueue, Work
from cellpose_studio.app.masks.label_set import RUN_RESULT, LabelImage, LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import now
from cellpose_studio.app.runs.finished_blocks import FinishedBlocks
from cellpose_studio.app.runs.merging import Merged, Merging
from cellpose_studio.app.session.session import Session
from cellpose_studio.app.session.while_open import while_open
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.matching.region_merge import RegionCounts
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.search_record import SEARCH_STATE, SearchRecord
from cellpose_studio.core.runs.compute import ComputeChoice
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.region import Region
from cellpose_studio.core.runs.segmentation import Segmentation
from cellpose_studio.io.masks.mapped import MOST_IN_MEMORY, empty_labels
from cellpose_studio.workflows.blocks.cluster.choice import ClusterChoice
from cellpose_studio.workflows.blocks.coarse_look import SmallCopy
from cellpose_studio.workflows.blocks.forecast import (
    Forecast,
    forecast,
    free_memory,
    refuse_large_region,
)
from cellpose_studio.workflows.provenance.run_record import unfinished_record

if TYPE_CHECKING:
    from cellpose_studio.engine.networks.network import NetworkCache

_CLOSED = "The project was closed."


class Runs:
    """Starts runs on the images of a session.

    A run is bound to the image it was started on: its result goes there, whatever
    is shown when it ends, and waits there if the image was taken off the list. The
    project gets a record of each, also of those that fail or are cancelled. Runs in
    blocks are done by the ``cluster``, where it returns one; others as ``compute`` says
    when they begin. What a run has left on disk is removed in the queue ``files``. A
    ``small_copy`` of a large image tells how much of it shows anything.
    """

    failed = Signal(Exception)
    noted = Signal(str)

    def __init__(
        self,
        session: Session,
        queue: JobQueue,
        cluster: Callable[[], ClusterChoice | None] = lambda: None,
        compute: Callable[[], ComputeChoice] = ComputeChoice,
        files: JobQueue | None = None,
        small_copy: Callable[[ImageSource], SmallCopy | None] = lambda _: None,
    ) -> None:
        self._session = session
        self._cluster = cluster
        self._queue = queue
        self._compute = compute
        self._files = queue if files is None else files
        self._small_copy = small_copy
        self._own_threads = False
        # Made in the thread of the first run, which is the one that imports torch.
        self._networks: NetworkCache | None = None
        self._under_way: dict[Job, Callable[[], None]] = {}
        session.leaving.connect(self._on_leaving)

    def start(
        self,
        image: ProjectImage,
        model: ModelSpec,
        parameters: SegmentationParameters,
        tell: bool = True,
        masks: str = RUN_RESULT,
        diameter: float | None = None,
    ) -> Job:
        """Queue a run of ``model``, on an image or on the region of the parameters.

        The result goes into the masks of a name. ``diameter`` was measured before, px,
        and is used if that of the parameters is automatic.

        Masks of that name are replaced, but for what the user made of them. Whoever
        listens to the job hears of its end when the result is in place. With ``tell``
        of False, what failed is told only there.
        """
        source, merging = image.source, Merging(self._session, image)
        started: list[datetime] = []
        is_shown = self._session.shown is image
        blocks = FinishedBlocks()

        def work(checkpoint: Checkpoint) -> Merged:
            started.append(now())
            found = self._segmented(
                source, model, parameters, checkpoint, diameter, blocks
            )
            labels = replace(found, name=masks)
            labels.pixels.load()
            if is_shown:
                labels.pixels.draw_ahead({})
            return Merged(labels)

        def then(result: Merged) -> Work | None:
            return merging.next(result) if job in self._under_way else None

        def end(outcome: Literal["failed", "cancelled"], message: str) -> None:
            blocks.leave()
            # One that was cancelled while it waited is not worth a record.
            if self._under_way.pop(job, None) and started:
                record = unfinished_record(
                    source, model, parameters, started[0], outcome, message
                )
                self._session.record_run(image, record)

        def finish(result: Merged) -> None:
            # One whose project was left has its record already.
            if job in self._under_way:
                self._finish(image, result)
                blocks.remove_when_saved(self._session.project, self._files)

        job = Job(f"Segmenting {source.name}", work, then=then)
        self._under_way[job] = lambda: end("cancelled", _CLOSED)
        job.finished.connect(finish)
        job.failed.connect(lambda error: end("failed", str(error)))
        if tell:
            job.failed.connect(while_open(self._session, self.failed.emit))
        job.cancelled.connect(lambda: end("cancelled", ""))
        job.ended.connect(lambda: self._under_way.pop(job, None))
        return self._queue.start(job)

    def forecast(
        self,
        image: ProjectImage,
        model: ModelSpec,
        parameters: SegmentationParameters,
        masks: str = RUN_RESULT,
    ) -> Forecast:
        """Return what a run will take; that of a large image is done in blocks.

        The result goes into the masks of a name.
        """
        found = self._forecast(image, model, parameters, free_memory(), masks)
        choice = self._cluster()
        return replace(found, scheduler=choice.address if choice else "")

    def in_blocks(
        self,
        images: Iterable[ProjectImage],
        model: ModelSpec,
        parameters: SegmentationParameters,
    ) -> list[Forecast]:
        """Return what runs will take of those images that are done in blocks."""
        free = free_memory()
        each = (self._forecast(one, model, parameters, free) for one in images)
        return [needed for needed in each if needed.side]

    def _forecast(
        self,
        image: ProjectImage,
        model: ModelSpec,
        parameters: SegmentationParameters,
        free: int,
        masks: str = RUN_RESULT,
    ) -> Forecast:
        source = image.source

        def shown() -> float:
            copy = self._small_copy(source) if parameters.region is None else None
            return copy.share_of_tiles(source, model, parameters) if copy else 1.0

        found = forecast(source, model, parameters, free, shown=shown)
        if found.side is None:
            return found
        return replace(found, disk=found.disk + _mapped(image, masks))

    def _on_leaving(self) -> None:
        """Stop all runs, and record them while their project can be written to."""
        runs = self._under_way.copy()
        # All at once, or the next would begin when one has stopped.
        for job in runs:
            job.cancel()
        for end in runs.values():
            end()

    def _segmented(
        self,
        image: ImageSource,
        model: ModelSpec,
        parameters: SegmentationParameters,
        checkpoint: Checkpoint,
        diameter: float | None,
        blocks: FinishedBlocks,
    ) -> LabelSet:
        # In the thread of the job: torch takes two seconds to import.
        from cellpose_studio.engine.device import device_or_fastest
        from cellpose_studio.engine.networks.network import NetworkCache
        from cellpose_studio.workflows.blocks.segment import segment_in_blocks
        from cellpose_studio.workflows.provenance.run_record import record_of
        from cellpose_studio.workflows.segment import segment

        started = now()
        self._networks = self._networks or NetworkCache()
        choice = self._compute()
        self._use_threads(choice.threads)
        device, missing = device_or_fastest(choice.device)
        is_known = parameters.diameter is None and diameter is not None
        if is_known:
            parameters = parameters.model_copy(update={"diameter": diameter})
        given = choice.arguments(model.architecture_info)
        given["networks"] = self._networks
        common = (image, model, parameters, checkpoint)
        free = free_memory()
        needed = forecast(image, model, parameters, free)
        refuse_large_region(image, parameters, needed, free)
        if (side := needed.side) is not None:
            with ExitStack() as stack:
                given["device"] = device
                if (elsewhere := self._cluster()) is not None:
                    from cellpose_studio.workflows.blocks.cluster.cluster import (
                        open_cluster,
                    )

                    cluster = stack.enter_context(open_cluster(elsewhere, checkpoint))
                    given |= cluster.arguments()
                found = blocks.hold(segment_in_blocks(*common, side, **given))
                result = found.loaded(checkpoint.check, empty_labels)
                record = record_of(result, started, checkpoint)
                return _labels_of(result, self._completed(record, missing))
        result = segment(*common, device, **given)
        if is_known:
            automatic = ("diameter", *result.automatic)
            result = replace(result, automatic=automatic, measured_diameter=diameter)
        record = record_of(result, started)
        return _labels_of(result, self._completed(record, missing))

    def _use_threads(self, threads: int) -> None:
        """Set the threads of this thread's runs; 0 goes back to all but one core."""
        from cellpose_studio.engine.threads import leave_a_core_free, use_threads

        if threads:
            use_threads(threads)
        elif self._own_threads:
            leave_a_core_free()
        self._own_threads = bool(threads)

    def _completed(self, record: RunRecord, missing: str) -> RunRecord:
        """Return a record with a note on a missing device, and with its search.

        That is the search that has found its parameters, if one has.
        """
        if missing:
            record = record.model_copy(update={"notes": (missing, *record.notes)})
        # A search of a later version may be unreadable; the run is none the worse.
        with suppress(ValidationError):
            found = self._session.project.state(SEARCH_STATE)
            search = SearchRecord.model_validate(found) if found else None
            if search and search.fits(record.model.sha256, record.parameters):
                return record.model_copy(update={"search": search})
        return record

    def _finish(self, image: ProjectImage, result: Merged) -> None:
        labels, text = result.labels, f"Run on {image.source.name}"
        region = labels.parameters.region
        if result.error is not None:
            self._put_beside(image, labels, text, result.error)
        elif region is not None:
            self._finish_region(image, labels, region)
        else:
            self._session.replace_masks(image, labels, text)
        assert labels.record is not None
        for note in labels.record.notes:
            self.noted.emit(note)

    def _finish_region(
        self, image: ProjectImage, labels: LabelSet, region: Region
    ) -> None:
        """Put the masks into place, and tell how many cells are new."""
        counts = labels.in_region or RegionCounts(labels.cells)
        name, one = image.source.name, region.cell_at is not None
        if one and not counts.found:
            assert labels.record is not None
            self._session.record_run(image, labels.record)
            self.noted.emit(f"The cells around it leave no room for a cell in {name}.")
            return
        text = f"Find a cell of {name}" if one else f"Run on a region of {name}"
        self._session.replace_masks(image, labels, text)
        lowered = ""
        if region.cellprob is not None:
            lowered = f" The cell probability was lowered to {region.cellprob:g}."
        told = f"The cell was found in {name}." if one else f"{text}: {counts.text}."
        self.noted.emit(f"{told}{lowered}")

    def _put_beside(
        self, image: ProjectImage, labels: LabelSet, text: str, error: StudioError
    ) -> None:
        """Keep masks that could not be merged, and leave those present as they are."""
        name = image.free_name(f"{labels.name} (not merged)")
        self._session.add_masks(image, replace(labels, name=name), text)
        self.failed.emit(
            StudioError(
                f"{error.message} The masks of {image.source.name} stay as they are: "
                "which of their cells a new run has to keep could not be read.",
                f"The result of the run is “{name}” in the list of layers.",
            )
        )


def _mapped(image: ProjectImage, masks: str) -> int:
    """Return the bytes of new masks in files, before and while they are merged."""
    each = (
        np.prod(image.source.label_shape, dtype=np.int64) * np.dtype(np.uint32).itemsize
    )
    copies = 3 if image.kept_masks(masks) is not None else 1
    return int(each) * copies if each > MOST_IN_MEMORY else 0


def _labels_of(result: Segmentation, record: RunRecord) -> LabelSet:
    confidence = result.confidence
    return LabelSet(
        name=RUN_RESULT,
        pixels=LabelImage(result.labels),
        origin=f"{result.model.label}, {result.device}, {result.seconds:.1f} s",
        cells=len(confidence.ids),
        flows=result.flows,
        maker=result.maker,
        parameters=result.parameters,
        confidence=confidence,
        model=result.model,
        record=record,
    )
