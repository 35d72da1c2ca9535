"""Measures the cells of all images of the project, one image after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from qtpy.QtCore import QObject, QTimer, Signal

from cellpose_studio.app.background.cell_facts import Known, hand_edits_of, known_of
from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.classes import class_facts
from cellpose_studio.app.session.compartments import Compartments
from cellpose_studio.app.session.session import Session
from cellpose_studio.app.session.while_open import while_open
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ImageUnreadable, StudioError
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.core.measure.compartments.choice import CompartmentsUnfit
from cellpose_studio.core.measure.definition import GROUPS
from cellpose_studio.core.measure.measurements import Measurements
from cellpose_studio.core.review.cell_shapes import cell_shapes
from cellpose_studio.io.project.tables.confidence import read_confidence
from cellpose_studio.ui.measure.table.rows import Rows, joined, rows_of
from cellpose_studio.ui.measure.table.summary_rows import summary_rows_of
from cellpose_studio.ui.measure.tracks.rows import track_rows
from cellpose_studio.ui.services import Services
from cellpose_studio.workflows.measure.columns import WhatToMeasure
from cellpose_studio.workflows.measure.items import ImageToMeasure, Masks
from cellpose_studio.workflows.measure.measure import measure_masks

_TITLE = "Measuring all images"
_DELAY = 800
"""ms in which changes are looked at together."""

_WITHOUT_GREY = WhatToMeasure(groups=[one for one in GROUPS if one != "intensity"])

Token = tuple[Any, ...]


class Wanted(NamedTuple):
    """An image to measure: its id, how, a token of its masks, and mothers of cells."""

    id: int
    item: ImageToMeasure
    token: Token
    mothers: Mapping[int, int]


@dataclass(frozen=True, eq=False, kw_only=True)
class MeasuredImage:
    """An image of the project, and what was measured of it.

    Attributes
    ----------
    token
        Differs when the masks, or what is known of them, have changed.
    mothers
        The mother of each cell that came from a division.
    complete
        Whether nothing is missing, as intensities are where the image was not read.
    """

    id: int
    item: ImageToMeasure
    token: Token
    table: Measurements
    complete: bool = True
    mothers: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, kw_only=True)
class AllMeasured:
    """What was measured of all images.

    Attributes
    ----------
    images
        In the order of the list.
    cells, tracks, summary
        Rows of all cells, of those of time series over time, and of all images.
    failures
        Of images that could not be measured.
    """

    images: tuple[MeasuredImage, ...] = ()
    cells: Rows = field(default_factory=Rows)
    tracks: Rows = field(default_factory=Rows)
    summary: Rows = field(default_factory=Rows)
    failures: tuple[StudioError, ...] = ()


class AllImages(QObject):
    """Emits the rows of all images, again when masks change; off at first.

    An image is measured again only if its masks have changed.
    """

    changed = Signal()
    cancelled = Signal()

    def __init__(self, services: Services, compartments: Compartments) -> None:
        super().__init__()
        self._compartments = compartments
        self._services = services
        self._session = services.session
        self.result = AllMeasured()
        self._active = False
        self._job: Job | None = None
        self._asked: Sequence[tuple[object, ...]] | None = None
        self._known: dict[int, MeasuredImage] = {}
        self._told: set[str] = set()
        self._timer = QTimer(self, singleShot=True, interval=_DELAY)
        self._timer.timeout.connect(self._measure)
        session = self._session
        session.masks_changed.connect(lambda change: self._soon(change.kind))
        session.statuses_changed.connect(lambda *_: self._soon())
        session.classes_changed.connect(lambda *_: self._soon())
        session.class_list_changed.connect(lambda: self._soon())
        session.divisions_changed.connect(lambda *_: self._soon())
        session.images_changed.connect(lambda: self._soon())
        session.project_changed.connect(self._forget)
        compartments.changed.connect(self._soon)

    @property
    def busy(self) -> bool:
        """Whether images are being measured."""
        return self._job is not None

    def masks_of(self, image: int) -> str:
        """Return the name of the masks of an image that are listed; "" while off."""
        listed = self.result.images if self._active else ()
        return next((one.item.masks for one in listed if one.id == image), "")

    def set_active(self, on: bool) -> None:
        """Measure, and go on to do so when masks change."""
        self._active = on
        if self.result.failures:
            # The files may be there again.
            self._asked = None
        if on:
            self._timer.start(0)

    def wanted(self) -> list[Wanted]:
        """Return how the masks shown of all images are measured; for the GUI thread."""
        return [
            _wanted(self._session, image, image.masks, self._compartments)
            for image in self._session.images
            if image.masks is not None
        ]

    @property
    def known(self) -> dict[int, MeasuredImage]:
        """The images that were measured, by id."""
        return dict(self._known)

    def keep(self, images: Iterable[MeasuredImage]) -> None:
        """Keep what was measured elsewhere, so that it is not measured again."""
        self._known |= {one.id: one for one in images}

    def _forget(self) -> None:
        self._asked = None
        self._known.clear()
        self._told.clear()
        self.result = AllMeasured()
        self.changed.emit()
        self._soon()

    def _soon(self, kind: str = "") -> None:
        if self._active and kind not in ("drafted", "loaded", "activated"):
            self._timer.start()

    def _measure(self) -> None:
        if self._job is not None or not self._active:
            return
        wanted = [
            _wanted(self._session, image, labels, self._compartments)
            for image in self._session.images
            if (labels := self._compartments.cells_of(image)) is not None
        ]
        asked = [(one.id, one.token, one.item.classes, one.mothers) for one in wanted]
        if asked == self._asked:
            return
        self._asked = asked
        known = dict(self._known)

        def work(checkpoint: Checkpoint) -> AllMeasured:
            return _of_all(measured_images(wanted, known, checkpoint))

        job = self._job = Job(_TITLE, work)
        # Not cancelled once the project is left, which would end the list of the next.
        job.finished.connect(while_open(self._session, self._finish))
        job.failed.connect(while_open(self._session, self._services.show_error))
        job.cancelled.connect(self._on_cancelled)
        job.ended.connect(self._on_end)
        self._services.measure_jobs.start(job)
        self.changed.emit()

    def _finish(self, result: AllMeasured) -> None:
        self.result = result
        self._known = {one.id: one for one in result.images}
        for error in result.failures:
            if error.message not in self._told:
                self._told.add(error.message)
                self._services.show_error(error, _TITLE)

    def _on_cancelled(self) -> None:
        self._active, self._asked = False, None
        self.cancelled.emit()

    def _on_end(self) -> None:
        self._job = None
        self.changed.emit()
        # Masks may have changed in the meantime.
        self._soon()


def measured_image(
    session: Session,
    image: ProjectImage,
    table: Measurements,
    compartments: Compartments,
) -> MeasuredImage:
    """Return an image whose masks were measured already; for the GUI thread."""
    assert image.masks is not None
    item = ImageToMeasure(
        image=image.source,
        masks=image.masks.name,
        has_facts=True,
        read=_measured_already,
        compartments=compartments.choice if table.nuclei is not None else None,
        classes=class_facts(session, image, image.masks.name),
    )
    mothers = dict(image.mothers.get(image.active, {}))
    return MeasuredImage(id=image.id, item=item, token=(), table=table, mothers=mothers)


def token_of(image: ProjectImage, labels: LabelSet) -> Token:
    """Return what differs when masks, or decisions on their cells, do."""
    pixels, revision = labels.pixels, labels.revision
    return (
        labels.name,
        # Masks without a revision are a preview.
        revision.id if revision is not None else id(pixels),
        pixels.edits,
        labels.edited,
        tuple(sorted(image.statuses.get(labels.name, {}).items())),
        image.source.fingerprint,
        image.source.pixel_size_um,
        image.source.interval_s,
    )


def _wanted(
    session: Session, image: ProjectImage, labels: LabelSet, compartments: Compartments
) -> Wanted:
    """Return how an image is measured; for the GUI thread."""
    project = session.project
    known = known_of(session, image, labels, labels.hand_edits)
    nuclei = compartments.nuclei_of(image, labels.name)
    choice = compartments.choice if nuclei is not None else None
    taken, seconds = (
        [one.pixels.snapshot()] if one is not None and one.pixels.loaded else []
        for one in (labels, nuclei)
    )
    of_nuclei = token_of(image, nuclei) if nuclei is not None else ()
    token = token_of(image, labels), of_nuclei, choice

    def read() -> Masks:
        array = _pixels(project, labels, taken)
        found = _masks(project, labels, known, array, image.source.frames > 1)
        if nuclei is None:
            return found
        return replace(found, nuclei=_pixels(project, nuclei, seconds))

    item = ImageToMeasure(
        image=image.source,
        masks=labels.name,
        has_facts=True,
        read=read,
        compartments=choice,
        classes=known.classes,
    )
    mothers = dict(image.mothers.get(labels.name, {}))
    return Wanted(image.id, item, token, mothers)


def _pixels(project: Project, labels: LabelSet, taken: list[Snapshot]) -> Labels:
    """Return the pixels of masks, read from the project if they are not in memory."""
    if taken:
        # Released at once, so that edits need not copy what they change.
        return taken.pop().array()
    assert labels.revision is not None
    return project.labels_now(labels.revision)


def _masks(
    project: Project, labels: LabelSet, known: Known, array: Labels, in_time: bool
) -> Masks:
    revision, confidence = labels.revision, known.confidence
    if confidence is None and revision is not None:
        confidence = project.read(lambda db: read_confidence(db, revision.id))
    hand = hand_edits_of(project, labels, array)
    now = replace(
        known,
        confidence=confidence,
        hand=hand,
        decided=known.decided | hand.shaped,
    )
    return Masks(labels=array, facts=now.facts(cell_shapes(array, in_time)))


def measured_images(
    wanted: Sequence[Wanted],
    known: Mapping[int, MeasuredImage],
    checkpoint: Checkpoint,
) -> tuple[list[MeasuredImage], list[StudioError]]:
    """Return what was measured, and errors of what was not; for any thread.

    Parameters
    ----------
    known
        By the id of an image, what is not measured again where nothing has changed.

    Raises
    ------
    Cancelled
    """
    found: list[MeasuredImage] = []
    failures: list[StudioError] = []
    for n, (number, item, token, mothers) in enumerate(wanted):
        checkpoint.reached(n, len(wanted), "image")
        before = known.get(number)
        if before is not None and before.token == token and before.complete:
            # Other classes of cells change no measurement.
            table = before.table.with_classes(item.classes)
            was = replace(before.item, classes=item.classes)
            found.append(replace(before, item=was, table=table, mothers=mothers))
            continue
        try:
            masks, complete = item.read(), True
            try:
                table = _table(item, masks, WhatToMeasure(), checkpoint)
            except ImageUnreadable as error:
                # The masks tell all but the intensities.
                failures.append(error)
                complete = False
                table = _table(item, masks, _WITHOUT_GREY, checkpoint)
            except CompartmentsUnfit as error:
                failures.append(error)
                item = replace(item, compartments=None)
                table = _table(item, masks, WhatToMeasure(), checkpoint)
        # One image that cannot be read must not keep the others.
        except StudioError as error:
            failures.append(error)
        else:
            one = MeasuredImage(
                id=number,
                item=item,
                token=token,
                table=table,
                complete=complete,
                mothers=mothers,
            )
            found.append(one)
    return found, failures


def _of_all(both: tuple[list[MeasuredImage], list[StudioError]]) -> AllMeasured:
    found, failures = both
    return AllMeasured(
        images=tuple(found),
        cells=joined(rows_of(one.table, one.id) for one in found),
        tracks=joined(
            track_rows(one.table, one.item.image, one.mothers, one.id) for one in found
        ),
        summary=joined(summary_rows_of(one.table, one.id) for one in found),
        failures=tuple(failures),
    )


def _measured_already() -> Masks:
    raise AssertionError("Masks that were measured are not read again.")


def _table(
    item: ImageToMeasure, masks: Masks, what: WhatToMeasure, checkpoint: Checkpoint
) -> Measurements:
    # It is cancelled with the whole work, and shows no progress of its own.
    within = Checkpoint(lambda *_: checkpoint.check())
    return measure_masks(item, masks, what, within)
