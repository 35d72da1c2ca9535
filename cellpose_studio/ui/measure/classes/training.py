"""Trains the classifier, and classes the cells of images by it, in the background."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from cellpose_studio.app.failures import Failure, failure_of
from cellpose_studio.app.jobs import Job, Work
from cellpose_studio.app.masks.label_set import LabelImage
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.classes import apply_classes
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.provenance.classes.assigned import Assigned
from cellpose_studio.core.provenance.classes.classifier_record import ClassifierRecord
from cellpose_studio.core.wording import (
    cell_count,
    counted,
    first_names,
    image_count,
)
from cellpose_studio.ui.measure.all_images import (
    AllImages,
    MeasuredImage,
    Token,
    Wanted,
    measured_images,
    token_of,
)
from cellpose_studio.ui.measure.classes.counts import ClassCounts
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.widgets.message_bar import details_of
from cellpose_studio.workflows.measure.classify import (
    ClassedImage,
    Classifier,
    check_enough,
    train_classifier,
)

_TRAINING, _CLASSING = "Training the classifier", "Classifying cells"


@dataclass(frozen=True, eq=False, kw_only=True)
class _Trained:
    """A classifier, with what was measured for it and could not be."""

    classifier: Classifier
    images: list[MeasuredImage]
    failures: list[StudioError]


@dataclass(frozen=True, eq=False, kw_only=True)
class _Classed:
    """The classes that were found, by the id of the image."""

    found: dict[int, dict[int, Assigned]]
    images: list[MeasuredImage]
    failures: list[StudioError]


@dataclass(frozen=True, eq=False, kw_only=True)
class _Before:
    """The masks of an image when their cells were measured."""

    token: Token
    pixels: LabelImage | None
    edits: int

    @classmethod
    def of(cls, image: ProjectImage) -> _Before:
        """Return the active masks of an image now."""
        if (masks := image.masks) is None:
            return cls(token=(), pixels=None, edits=0)
        pixels = masks.pixels
        return cls(token=token_of(image, masks), pixels=pixels, edits=pixels.edits)

    def is_same(self, image: ProjectImage) -> bool:
        """Return whether the image has these masks, without an edit since."""
        now = _Before.of(image)
        # Edits that became a revision meanwhile change the token, but no pixel.
        same = now.pixels is self.pixels and now.edits == self.edits
        return same or now.token == self.token


@dataclass
class _Done:
    """How many cells of how many images were classed, and which images were not."""

    cells: int = 0
    images: int = 0
    changed: list[str] = field(default_factory=list)
    failures: Sequence[StudioError] = ()

    @property
    def text(self) -> str:
        """What the user is told."""
        text = f"{cell_count(self.cells)} of {image_count(self.images)} classed."
        if not self.changed:
            return text
        names = first_names(self.changed)
        return f"{text} Masks of {names} changed meanwhile: apply it again."


class ClassTraining(QObject):
    """Holds the classifier of the session, and what it is doing.

    Parameters
    ----------
    measured
        What was measured of images, which is not measured again.
    """

    changed = Signal()

    def __init__(
        self, services: Services, measured: AllImages, counts: ClassCounts
    ) -> None:
        super().__init__()
        self._services = services
        self._session = services.session
        self._measured = measured
        self._counts = counts
        self._classifier: Classifier | None = None
        self._number = 0
        self._job: Job | None = None
        self._waiting: list[tuple[int, dict[int, Assigned], _Before]] = []
        self._done: _Done | None = None
        self._next: Callable[[], None] | None = None
        self._session.project_changed.connect(self._forget)

    @property
    def busy(self) -> bool:
        """Whether it is training or classing cells."""
        return self._job is not None or self._done is not None

    @property
    def record(self) -> ClassifierRecord | None:
        """The record of the newest classifier of the project."""
        return next(reversed(self._session.masks.classes.classifiers.values()), None)

    @property
    def reason_cannot_apply(self) -> str:
        """Why cells cannot be classed now, as a sentence; "" if they can."""
        return "" if self.record is not None else "Train the classifier first."

    def train(self, then: Callable[[], None] | None = None) -> None:
        """Learn from the cells that were classed by hand, in all images.

        ``then`` is called once that is done.
        """
        classes = self._session.masks.classes.present
        counts = self._counts.of(self._session.images, by_hand=True)
        try:
            check_enough({one.id: one.name for one in classes}, counts)
        except StudioError as error:
            self._services.show_error(error, _TRAINING)
            return
        assigned = {
            image.id: dict(image.classes.get(image.active, {}))
            for image in self._session.images
        }
        with_examples = {
            number
            for number, cells in assigned.items()
            if any(one.by_hand for one in cells.values())
        }
        wanted, known = self._wanted(with_examples), self._measured.known

        def work(checkpoint: Checkpoint) -> _Trained:
            images, failures = measured_images(wanted, known, checkpoint)
            classed = [
                ClassedImage(
                    name=one.item.image.name,
                    table=one.table,
                    assigned=assigned[one.id],
                )
                for one in images
                # A few measurements less would be missing of all cells.
                if one.complete
            ]
            trained = train_classifier(classed, classes, checkpoint)
            return _Trained(classifier=trained, images=images, failures=failures)

        self._start(_TRAINING, work, lambda found: self._on_trained(found, then))

    def apply(self, images: Sequence[ProjectImage]) -> None:
        """Class the cells of images that were not classed by hand.

        The project has the record of the classifier only: after it was opened, it is
        trained again first, and the same cells give the same one.
        """
        classifier, number = self._classifier, self._number
        if self.record is None:
            self._services.messages.note(self.reason_cannot_apply)
            return
        if classifier is None:
            self.train(lambda: self.apply(images))
            return
        wanted = self._wanted({image.id for image in images})
        known = self._measured.known
        before = {image.id: _Before.of(image) for image in images}

        def work(checkpoint: Checkpoint) -> _Classed:
            measured, failures = measured_images(wanted, known, checkpoint)
            found = {}
            for one in measured:
                try:
                    name = one.item.image.name
                    found[one.id] = classifier.classify(one.table, name, number)
                except StudioError as error:
                    failures.append(error)
            return _Classed(found=found, images=measured, failures=failures)

        self._start(_CLASSING, work, lambda found: self._on_classed(found, before))

    def _wanted(self, images: set[int]) -> list[Wanted]:
        return [one for one in self._measured.wanted() if one.id in images]

    def _start(self, title: str, work: Work, finish: Callable[[Any], object]) -> None:
        if self.busy:
            return
        queue = self._services.measure_jobs
        self._job = self._services.run(
            title, work, finish, queue=queue, once_left="is told"
        )
        self._job.ended.connect(self._on_end)
        self.changed.emit()

    def _on_trained(
        self, trained: _Trained, then: Callable[[], None] | None = None
    ) -> None:
        self._measured.keep(trained.images)
        self._tell(trained.failures, _TRAINING)
        self._classifier = trained.classifier
        self._number = self._recorded(trained.classifier.record)
        self._next = then
        self.changed.emit()

    def _recorded(self, record: ClassifierRecord) -> int:
        """Return the id of the record, that of the newest one if it is the same."""
        known = self._session.masks.classes
        newest = self.record
        if newest is not None and newest.is_same(record):
            return next(reversed(known.classifiers))
        return known.record(record)

    def _on_classed(self, classed: _Classed, before: Mapping[int, _Before]) -> None:
        self._measured.keep(classed.images)
        self._waiting = [
            (number, found, before[number]) for number, found in classed.found.items()
        ]
        self._waiting.reverse()
        self._done = _Done(failures=classed.failures)
        self._apply_next()

    def _apply_next(self) -> None:
        """Put the cells of the next image into their classes.

        One image at a time, so that a large project does not hold the window.
        """
        done = self._done
        if done is None:
            return
        if not self._waiting:
            self._done = None
            if done.failures:
                self._tell(done.failures, _CLASSING, done.text)
            else:
                self._services.messages.note(done.text)
            self.changed.emit()
            return
        number, found, before = self._waiting.pop()
        image = self._session.image_of(number)
        # Other masks may have other cells of the same ids.
        if image is not None and not before.is_same(image):
            done.changed.append(image.source.name)
        elif image is not None:
            done.cells += apply_classes(self._session, image, found)
            done.images += 1
        QTimer.singleShot(0, self._apply_next)

    def _tell(
        self, errors: Sequence[StudioError], action: str, before: str = ""
    ) -> None:
        """Show errors of an action as one message after what is said ``before``.

        Each message takes the place of the last one.
        """
        failures = [failure_of(error) for error in errors]
        if not failures:
            return
        first, more = failures[0], failures[1:]
        details = details_of(failures) if more else ""
        message = f"{before} {first.message}".strip()
        if more:
            others = counted(len(more), "more message")
            message = f"{message} The details have {others}."
        self._services.messages.fail(Failure(message, first.hint, details), action)

    def _on_end(self) -> None:
        self._job = None
        self.changed.emit()
        following, self._next = self._next, None
        if following is not None:
            following()

    def _forget(self) -> None:
        self._classifier = self._done = self._next = None
        self._waiting.clear()
        self.changed.emit()
