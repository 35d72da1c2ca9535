"""Runs, and new masks from their flows: what is running, and where results go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal

from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.session import Entry, LabelSet, Session
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.confidence import Confidence
from cellpose_studio.core.hints import hint_for
from cellpose_studio.core.image import ImageSource
from cellpose_studio.core.labels import cell_count
from cellpose_studio.core.model import ModelSpec
from cellpose_studio.core.parameters import SegmentationParameters
from cellpose_studio.core.run import Segmentation
from cellpose_studio.engine.catalogue import shipped
from cellpose_studio.io.imported import ImportedMasks
from cellpose_studio.workflows.recompute import MasksFromFile

if TYPE_CHECKING:
    from cellpose_studio.engine.network import NetworkCache

RUN_RESULT = "cells"
"""Name of the label set that runs write to."""


class Runs:
    """Starts runs on the images of a session.

    A run is bound to the image it was started on: its result goes there, whatever
    is shown when it ends, and nowhere if that image was closed.
    """

    failed = Signal(Exception)
    noted = Signal(str)

    def __init__(self, session: Session, queue: JobQueue) -> None:
        self._session = session
        self._queue = queue
        # Made in the thread of the first run, which is the one that imports torch.
        self._networks: NetworkCache | None = None

    def start(
        self, entry: Entry, model: ModelSpec, parameters: SegmentationParameters
    ) -> Job:
        """Queue a run of ``model`` on an image."""
        image = entry.image

        def work(checkpoint: Checkpoint) -> Segmentation:
            return self._segment(image, model, parameters, checkpoint)

        job = Job(f"Segmenting {image.name}", work)
        job.finished.connect(lambda result: self._finish(entry, result))
        job.failed.connect(self.failed.emit)
        return self._queue.start(job)

    def _segment(
        self,
        image: ImageSource,
        model: ModelSpec,
        parameters: SegmentationParameters,
        checkpoint: Checkpoint,
    ) -> Segmentation:
        # In the thread of the job: torch takes two seconds to import.
        from cellpose_studio.engine.device import available_devices
        from cellpose_studio.engine.network import NetworkCache
        from cellpose_studio.workflows.segment import segment

        self._networks = self._networks or NetworkCache()
        device = available_devices()[0]
        return segment(image, model, parameters, checkpoint, device, self._networks)

    def _finish(self, entry: Entry, result: Segmentation) -> None:
        labels = LabelSet(
            RUN_RESULT,
            result.labels,
            f"{result.model.label}, {result.device}, {result.seconds:.1f} s",
            len(result.confidence.ids),
            result,
            result.flows,
            result.maker,
            result.parameters,
            result.confidence,
            result.hint,
        )
        self._session.replace_labels(entry, labels, f"Run on {result.image.name}")
        for note in result.notes:
            self.noted.emit(note)


class Thresholds:
    """New masks for other thresholds, from flows that are kept.

    Only the newest wish for an image counts: one that comes while its masks are
    being made stops that work and takes its place.
    """

    failed = Signal(Exception)

    def __init__(self, session: Session, queue: JobQueue) -> None:
        self._session = session
        self._queue = queue
        self._jobs: dict[Entry, Job] = {}
        self._gesture = 0

    def end_gesture(self) -> None:
        """Make the next change an undo step of its own."""
        self._gesture += 1

    def change(self, entry: Entry, parameters: SegmentationParameters) -> None:
        """Make the masks of the active label set of ``entry`` for ``parameters``."""
        before = entry.labels
        if before is None or before.maker is None:
            return
        if entry in self._jobs:
            self._jobs[entry].cancel()
        maker, gesture = before.maker, self._gesture

        def work(checkpoint: Checkpoint) -> LabelSet:
            labels = maker.masks(parameters, checkpoint)
            confidence = maker.confidence(labels, parameters, checkpoint)
            return replace(
                before,
                labels=labels,
                cells=len(confidence.ids),
                parameters=parameters,
                confidence=confidence,
                hint=_hint(before, confidence),
            )

        job = self._jobs[entry] = Job("Making masks", work, quiet=True)
        job.finished.connect(lambda labels: self._finish(entry, labels, gesture))
        job.failed.connect(self.failed.emit)
        job.ended.connect(lambda: self._forget(entry, job))
        self._queue.start(job)

    def _finish(self, entry: Entry, after: LabelSet, gesture: int) -> None:
        now = entry.labels
        # A run or an undo may have come in between; its masks are not ours to change.
        if now is not None and now.maker is after.maker:
            self._session.replace_labels(entry, after, "Change thresholds", gesture)

    def _forget(self, entry: Entry, job: Job) -> None:
        if self._jobs.get(entry) is job:
            del self._jobs[entry]


def _hint(labels: LabelSet, confidence: Confidence) -> str:
    """Return the hint for masks of other thresholds; none where no model is known."""
    if labels.run is None:
        return ""
    return hint_for(confidence, labels.run.model, shipped())


def imported_labels(name: str, masks: ImportedMasks, image: ImageSource) -> LabelSet:
    """Return masks of a file as a label set; its flows feed the thresholds."""
    maker = flows = None
    if masks.flows is not None:
        # The file does not say which axis is time, so that planes were not told apart.
        flows = replace(masks.flows, frames=image.frames)
        maker = MasksFromFile(flows, image.label_shape)
    return LabelSet(
        name,
        masks.labels,
        f"from {Path(masks.path).name}",
        cell_count(masks.labels),
        None,
        flows,
        maker,
        parameters_of(masks),
    )


def parameters_of(masks: ImportedMasks) -> SegmentationParameters:
    """Return the parameters that a file says, where they are sensible."""
    parameters = SegmentationParameters()
    for name in ("flow_threshold", "cellprob_threshold", "min_size"):
        if (value := masks.details.get(name)) is not None:
            changed = {**parameters.model_dump(), name: value}
            try:
                parameters = SegmentationParameters.model_validate(changed)
            except ValueError:
                continue
    return parameters
