"""The content of the Train tab."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from cellpose_studio.app.runs.queue import BatchQueue
from cellpose_studio.app.training.next_images import (
    next_images,
    read_uncertainties,
    unread_revisions,
)
from cellpose_studio.app.training.trainings import Trainings
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.models.training import EpochReport, ValidationSample
from cellpose_studio.core.models.training_round import TrainingRound
from cellpose_studio.core.runs.parameters import GREY
from cellpose_studio.core.wording import numbered, some
from cellpose_studio.ui.segment.models.weight_files import AddedModels
from cellpose_studio.ui.segment.panel import SegmentPanel
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.train.after import AfterTraining
from cellpose_studio.ui.train.curve import CurvePlot
from cellpose_studio.ui.train.lineage import LineageTree
from cellpose_studio.ui.train.progress import TrainingProgress
from cellpose_studio.ui.train.request_form import RequestForm
from cellpose_studio.ui.train.samples import SampleRow
from cellpose_studio.ui.train.training_set.pair_model import summary_of, used_for
from cellpose_studio.ui.train.training_set.parts_reader import PartsReader
from cellpose_studio.ui.widgets.vertical_scroll import VerticalScroll
from cellpose_studio.workflows.training.request_file import (
    TrainingRequest,
    free_model_path,
)

if TYPE_CHECKING:
    from cellpose_studio.workflows.training.train_model import TrainedModel


class TrainContent(VerticalScroll):
    """Model, progress, curves, verdict and the models so far."""

    def __init__(
        self,
        services: Services,
        queue: BatchQueue,
        segment: SegmentPanel,
        added: AddedModels,
        trainings: Trainings,
        reader: PartsReader,
    ) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self._services = services
        self._session = services.session
        self._set = services.training
        self._queue = queue
        self._segment = segment
        self._models = segment.model
        self._added = added
        self._trainings = trainings
        self._model: ModelSpec | None = None
        self._followed: TrainingRequest | None = None
        self._drawn: TrainingRequest | None = None
        self._round: TrainingRound | None = None
        self._samples_kept: tuple[ValidationSample, ...] = ()
        self._reports: list[EpochReport] = []
        self._stored: dict[int, float | None] = {}
        self._project = services.session.project
        self._reader = reader
        self.set_text = QLabel(objectName="trainSet", wordWrap=True)
        self.form = RequestForm()
        self.progress = TrainingProgress(trainings)
        self.curve = CurvePlot()
        self.samples = SampleRow()
        self.after = AfterTraining()
        self.lineage = LineageTree()
        # One refresh for all changes of an event: many images may be marked at once.
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._refresh)
        self._lay_out()
        self._connect()
        services.session.project_changed.connect(self._soon.start)
        reader.serve(self)
        self._list_models()
        self._list_devices()
        self._show_set()
        self._refresh()

    def start(self) -> None:
        """Train what is chosen."""
        name = self.form.name.text().strip()
        request = TrainingRequest(
            out=self._trainings.folder / self._free_name(name),
            title=name,
            project=self._session.project.path,
            parent=self.form.parent_model,
            parameters=self.form.parameters().model_copy(
                update={"min_train_masks": self._set.options.fewest_cells}
            ),
            device=self.form.device.currentData(),
        )
        # The record of the training names revisions, so edits become some first.
        start = partial(self._trainings.start, request)
        late = partial(self._services.tell_left, f"Training {name}")
        self._set.seal(self._services.io_jobs, start, late)

    def run_on_next(self) -> None:
        """Queue runs of the new model on the images that come next."""
        model = self._model
        if model is None:
            return
        channel = model.card.parameters.get("channel") if model.card else None
        channels = (channel or GREY, *[None] * (model.input_channels - 1))
        listed = next_images(self._session.images, self._set, self._stored)
        settings, thresholds = self._segment.parameters, self._segment.result.values()
        with_parameters = [
            (settings.parameters(one.image.source, channels, thresholds), one.image)
            for one in listed
        ]
        # Stacks are run in another way than single planes.
        for parameters, several in groupby(with_parameters, lambda pair: pair[0]):
            self._queue.add([image for _, image in several], model, parameters)

    # Within

    def _free_name(self, name: str) -> str:
        """Return a file name for a model that no model has."""
        plain = re.sub(r"[^\w.-]+", "-", name).strip(".-") or "model"
        parent = self.form.parent_model
        if parent is not None and parent.architecture == "unet-style-off":
            plain += "_style_off"
        return free_model_path(self._trainings.folder, plain).name

    def _on_reported(self, report: EpochReport) -> None:
        self._reports.append(report)
        self.progress.show_report(report)
        if report.best == report.epoch:
            self._samples_kept = report.samples
        if not self._trainings.elsewhere:
            self._draw(report)

    def _draw(self, report: EpochReport) -> None:
        self.curve.add(report)
        if report.samples:
            self.samples.show_samples(report.samples)

    def _on_trained(self, model: TrainedModel) -> None:
        spec, comparison = model.spec, model.comparison
        worse = comparison is not None and comparison.worse
        if self._trainings.elsewhere:
            # Its project tells the verdict, when it is open again.
            self._added.add(spec.path, select=False)
            return
        self._round = None
        if self._samples_kept:
            # The verdict below them is that of the epoch that was kept.
            self.samples.show_samples(self._samples_kept)
        # A worse model is not chosen for the next runs.
        self._added.add(spec.path, select=not worse)
        self.form.take_name()
        self._show_model(spec)
        self._refresh()
        # On a small screen, the verdict lies below the curves; it has its place soon.
        QTimer.singleShot(0, self._show_verdict)

    def _show_verdict(self) -> None:
        self.ensureWidgetVisible(self.after)

    def _on_changed(self) -> None:
        request = self._trainings.request
        if request is not None and request is not self._followed:
            self._followed = request
            # The curves come into view; they were below the parameters.
            self.form.section.fold()
            self.progress.begin()
            self._reports, self._samples_kept = [], ()
            self._clear()
            self._drawn = request
            self.after.hide()
        elif request is None and self._followed is not None:
            self._followed = None
            self.progress.end()
        self._soon.start()

    def _clear(self) -> None:
        """Show no curve, and no masks that were found on the way."""
        self.curve.clear()
        self._drawn = None
        self.samples.show_samples(())

    def _on_discarded(self, request: TrainingRequest) -> None:
        if self._drawn is not None and self._drawn.out == request.out:
            self._clear()

    def _show_round(self, chosen: TrainingRound) -> None:
        """Show what came of an earlier training, unless one runs."""
        if self._trainings.request is None:
            self._clear()
            self.curve.show_card(chosen.card)
            self._round = chosen
            self._show_model(self._model_of([chosen]))
            self._soon.start()

    def _model_of(self, rounds: Sequence[TrainingRound]) -> ModelSpec | None:
        """Return the newest model of trainings that is still there."""
        known = {one.sha256: one for one in self._models.models}
        there = (known[one.sha256] for one in rounds if one.sha256 in known)
        return next(there, None)

    def _show_model(self, model: ModelSpec | None) -> None:
        self._model = model
        self.after.setVisible(model is not None)
        if model is not None:
            self.after.show_model(model)

    def _refresh(self) -> None:
        if self._session.project is not self._project:
            self._follow_project()
        self.form.set_channels(self._channel_names())
        self.form.propose_name(self._proposed_name())
        self.progress.refresh(self._reason_no_set() or self.form.reason_disabled)
        rounds = self._trainings.rounds
        self.lineage.show_rounds(rounds)
        if self._trainings.request is None:
            # After a restart, the work goes on with the model that was made last.
            chosen = [self._round] if self._round is not None else rounds[::-1]
            self._show_model(self._model or self._model_of(chosen))
        if self._model is not None:
            self._list_next()

    def _follow_project(self) -> None:
        """Show nothing of the project before, but how far its training is."""
        # Revisions of another project have the same numbers.
        self._project, self._stored = self._session.project, {}
        self._model = self._round = None
        self.form.take_name()
        self._clear()
        request = self._trainings.request
        if request is not None:
            self.after.hide()
        if request is not None and not self._trainings.elsewhere:
            self._drawn = request
            for report in self._reports:
                self._draw(report)

    def _list_next(self) -> None:
        """List what comes next, once it is read how uncertain that is."""
        project, images = self._session.project, self._session.images
        if unread := unread_revisions(images, self._set, self._stored):

            def done(found: dict[int, float | None]) -> None:
                self._stored |= found
                self._soon.start()

            def read(_: Checkpoint) -> dict[int, float | None]:
                return read_uncertainties(project, unread)

            title = "Reading uncertainties"
            self._services.run(title, read, done, quiet=True, once_left="is dropped")
            return
        self.after.list_images(next_images(images, self._set, self._stored))

    def _show_set(self) -> None:
        """Tell what the training set has, and what it lacks."""
        parts = self._reader.parts
        if parts is None:
            return
        advice = ""
        if not used_for(parts, "train"):
            advice = "Mark corrected images for training on the page Training set."
        elif not used_for(parts, "validation"):
            advice = (
                "Without validation images, the last epoch is kept, and nobody knows "
                "whether the model is better."
            )
        elif names := self._uncorrected():
            advice = (
                f"Nobody has corrected or reviewed the masks of {some(names)}: the "
                "model that made them agrees with them, and any other seems worse."
            )
        self.set_text.setText(f"{summary_of(parts)} {advice}".strip())
        self._soon.start()

    def _uncorrected(self) -> list[str]:
        """Return the images for validation whose masks are a run's as they were."""
        return [
            image.source.name
            for image in self._set.images("validation")
            if image.masks is not None
            and image.masks.record is not None
            and not image.reviewed
            and not image.is_corrected(image.active)
        ]

    def _channel_names(self) -> list[str]:
        """Return the names of the channels of the training set, or of the image shown.

        Where images have other names for a channel, all of them.
        """
        images = [one for one in self._session.images if self._set.uses(one)]
        if not images and self._session.shown is not None:
            images = [self._session.shown]
        named = zip_longest(*(one.source.channel_names for one in images))
        return [" / ".join(dict.fromkeys(filter(None, names))) for names in named]

    def _reason_no_set(self) -> str:
        """Return why there is nothing to train on; "" if there is something."""
        images, parts = self._session.images, self._reader.parts
        if not any("train" in self._set.uses(image) for image in images):
            return "No image is marked for training."
        if parts is None or used_for(parts, "train"):
            return ""
        return (
            "None of the marked images can be used for training. The page Training set "
            "says why."
        )

    def _proposed_name(self) -> str:
        parent = self.form.parent_model
        base = f"{parent.label} on " if parent is not None else ""
        project = self._session.project
        name = f"{base}{'my images' if project.unnamed else project.name}"
        taken = {one.name for one in self._trainings.rounds}
        return numbered(name, taken.__contains__)

    def _list_models(self) -> None:
        trainable = [one for one in self._models.models if not one.is_automatic]
        self.form.set_models(trainable, self._models.model)

    def _list_devices(self) -> None:
        def work(_: Any) -> list[tuple[str, str, int]]:
            from cellpose_studio.engine.device import available_devices

            known = available_devices()
            return [(one.name, one.title, one.memory) for one in known]

        def done(devices: list[tuple[str, str, int]]) -> None:
            self.form.set_devices(devices, self._services.settings.device)

        jobs = self._services.warm_up_jobs
        self._services.run("Looking for devices", work, done, quiet=True, queue=jobs)

    def _connect(self) -> None:
        self._reader.changed.connect(self._show_set)
        trainings = self._trainings
        trainings.reported.connect(self._on_reported)
        trainings.trained.connect(self._on_trained)
        trainings.changed.connect(self._on_changed)
        trainings.discarded.connect(self._on_discarded)
        self._models.listed.connect(self._list_models)
        self._models.listed.connect(self._soon.start)
        self._set.changed.connect(lambda *_: self._soon.start())
        self._set.image_changed.connect(lambda _: self._soon.start())
        self._session.images_changed.connect(lambda *_: self._soon.start())
        self._session.image_changed.connect(lambda *_: self._show_set())
        self._session.shown_changed.connect(lambda _: self._soon.start())
        self._queue.ended.connect(lambda *_: self._soon.start())
        self.form.changed.connect(lambda *_: self._soon.start())
        self.progress.buttons["start"].clicked.connect(self.start)
        self.after.run_requested.connect(self.run_on_next)
        self.after.image_chosen.connect(
            lambda image: self._session.show(image.source.key)
        )
        self.lineage.round_chosen.connect(self._show_round)

    def _lay_out(self) -> None:
        inside = QWidget()
        self.column = QVBoxLayout(inside)
        for widget in (
            self.set_text,
            self.form,
            self.progress,
            self.curve,
            self.samples,
            self.after,
        ):
            self.column.addWidget(widget)
        self.column.addWidget(self.lineage, 3)
        self.column.addStretch(1)
        self.setWidget(inside)
