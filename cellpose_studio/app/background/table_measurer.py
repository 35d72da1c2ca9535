"""Measures the cells of the masks that are shown for tables, off the GUI thread."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from psygnal import Signal
from qtpy.QtCore import QTimer

from cellpose_studio.app.background.cell_facts import Known, hand_edits_of, known_of
from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.classes import class_facts
from cellpose_studio.app.session.compartments import Compartments
from cellpose_studio.app.session.session import Session
from cellpose_studio.app.session.while_open import while_open
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.core.measure.compartments.choice import (
    CompartmentChoice,
    CompartmentsUnfit,
)
from cellpose_studio.core.measure.definition import GROUPS
from cellpose_studio.core.measure.definitions import FACTS
from cellpose_studio.core.measure.inputs import CellFacts, Channel
from cellpose_studio.core.measure.measurements import Measurements
from cellpose_studio.core.measure.scale import scale_of
from cellpose_studio.core.review.cell_shapes import CellShapes, cell_shapes
from cellpose_studio.io.masks.mapped import empty_labels

_DELAY = 250
"""ms in which edits are looked at together."""
_MOST = 8
"""Label images whose measurements are kept."""


class _NucleiState(NamedTuple):
    """Masks of nuclei after a number of edits, and what is measured with them."""

    choice: CompartmentChoice
    pixels: weakref.ref[LabelImage]
    edits: int


@dataclass(frozen=True, eq=False, kw_only=True)
class _Measured:
    """Measurements of a label image after a number of edits.

    Attributes
    ----------
    pixels
        A weak reference: what was measured must not keep masks in memory.
    nuclei
        The masks of the nuclei that were measured with them.
    error
        Why the intensities, or the compartments, are missing; told once.
    complete
        Whether the intensities are there.
    """

    pixels: weakref.ref[LabelImage]
    edits: int
    shapes: CellShapes
    known: Known
    table: Measurements
    nuclei: _NucleiState | None = None
    error: Exception | None = None
    complete: bool = True


class TableMeasurer:
    """Emits the measurements of the cells shown, again whenever they change.

    Nothing is measured while it is not active. Measurements are kept: what has not
    changed is not measured again.

    Attributes
    ----------
    compartments
        What is measured of nuclei and cells together.
    """

    changed = Signal(
        object
    )  # Measurements; None while those of these masks are unknown
    busy_changed = Signal(bool)
    failed = Signal(Exception)

    def __init__(
        self, session: Session, queue: JobQueue, compartments: Compartments
    ) -> None:
        self._session = session
        self.compartments = compartments
        self._queue = queue
        self._clients: set[str] = set()
        self._kept: OrderedDict[int, _Measured] = OrderedDict()
        self._emitted: Measurements | None = None
        self._failed: tuple[LabelImage, int, _NucleiState | None] | None = None
        self._prepared = False
        self._job: Job | None = None
        self._measured: weakref.ref[LabelImage] | None = None
        self._timer = QTimer(singleShot=True, interval=_DELAY)
        self._timer.timeout.connect(self._update)
        # A turn of the event loop of its own, after that in which cells are classed.
        self._renewing = QTimer(singleShot=True, interval=0)
        self._renewing.timeout.connect(self._on_classed)
        session.shown_changed.connect(lambda _: self._on_other())
        session.masks_changed.connect(self._on_masks)
        session.statuses_changed.connect(self._on_statuses)
        session.classes_changed.connect(lambda image, *_: self._on_classes(image))
        session.class_list_changed.connect(lambda: self._on_classes(session.shown))
        session.project_changed.connect(lambda: self._kept.clear())
        compartments.changed.connect(lambda: self._soon(0))

    @property
    def table(self) -> Measurements | None:
        """The measurements of the masks shown, if they are known."""
        measured = self._present()
        return measured.table if measured is not None else None

    @property
    def busy(self) -> bool:
        """Whether cells are being measured."""
        return self._job is not None

    @property
    def prepared(self) -> bool:
        """Whether the loops are known to be compiled, which takes some ten seconds.

        After an installation they are not; later they are loaded at once.
        """
        return self._prepared

    def set_prepared(self) -> None:
        """Say that the loops have been compiled."""
        self._prepared = True

    def set_active(self, on: bool, client: str) -> None:
        """Measure while ``on`` for any client."""
        (self._clients.add if on else self._clients.discard)(client)
        if on:
            self._timer.start(0)

    def _on_other(self) -> None:
        """Show what is known of other masks, and measure what is not."""
        if self._measured is not None and self._measured() is not self._pixels():
            # Nobody waits for it any longer; what comes next is measured when it ends.
            assert self._job is not None
            self._job.cancel()
        self._drop_incomplete()
        self._emit(self.table)
        self._soon(0)

    def _drop_incomplete(self) -> None:
        """Measure images again that could not be read, when they are shown again."""
        shown = self._present()
        for key, measured in list(self._kept.items()):
            if not measured.complete and measured is not shown:
                del self._kept[key]

    def _pixels(self) -> LabelImage | None:
        image = self._session.shown
        masks = image.masks if image is not None else None
        return masks.pixels if masks is not None else None

    def _nuclei(self) -> LabelSet | None:
        """Return the nuclei that go with the masks shown, once they are in memory."""
        image = self._session.shown
        if image is None:
            return None
        found = self.compartments.nuclei_of(image, image.active)
        return found if found is not None and found.pixels.loaded else None

    def _nuclei_state(self) -> _NucleiState | None:
        nuclei, choice = self._nuclei(), self.compartments.choice
        if nuclei is None or choice is None:
            return None
        return _NucleiState(choice, weakref.ref(nuclei.pixels), nuclei.pixels.edits)

    def _on_masks(self, change: MasksChange) -> None:
        image = change.image
        if image is not self._session.shown or change.kind == "drafted":
            return
        if change.edit is not None:
            nuclei = self._nuclei()
            if change.name in (image.active, nuclei.name if nuclei else ""):
                self._soon()
            return
        masks = image.masks
        if masks is None or not masks.pixels.loaded or change.kind == "activated":
            self._on_other()
        else:
            # While a slider moves, what was known of the masks before stays in sight.
            self._soon()

    def _on_statuses(self, image: ProjectImage, name: str, _: object) -> None:
        if image is not self._session.shown or name != image.active:
            return
        measured = self._present()
        if measured is not None and self._clients:
            self._renew_facts(image, measured)

    def _on_classes(self, image: ProjectImage | None) -> None:
        if image is self._session.shown:
            self._renewing.start()

    def _on_classed(self) -> None:
        image, measured = self._session.shown, self._present()
        if image is not None and measured is not None and self._clients:
            self._renew_classes(image, measured)

    def _renew_classes(self, image: ProjectImage, measured: _Measured) -> None:
        """Update the classes of cells at once: clicks wait for no job."""
        classes = class_facts(self._session, image, image.active)
        if self._job is None and classes != measured.known.classes:
            known = replace(measured.known, classes=classes)
            table = measured.table.with_classes(classes)
            self._keep(replace(measured, known=known, table=table, error=None))
            self._emit(table)

    def _renew_facts(self, image: ProjectImage, measured: _Measured) -> None:
        """Update what is known of cells; what was measured of them stays."""
        if self._job is not None:
            # It is looked at again when the job ends.
            return
        assert image.masks is not None
        known = known_of(self._session, image, image.masks, measured.known.hand)

        def work(_: object) -> _Measured:
            table = _with_facts(measured.table, known.facts(measured.shapes))
            # An error of the image was shown when it was measured.
            return replace(measured, known=known, table=table, error=None)

        self._start(Job("Looking at cells", work, quiet=True))

    def _emit(self, table: Measurements | None) -> None:
        self._emitted = table
        self.changed.emit(table)

    def _soon(self, delay: int = _DELAY) -> None:
        if self._clients:
            self._timer.start(delay)

    def _present(self) -> _Measured | None:
        """Return what was measured of the masks shown, edits included or not."""
        pixels = self._pixels()
        if pixels is None:
            return None
        found = self._kept.get(id(pixels))
        # The id may be that of pixels that are gone.
        return found if found and found.pixels() is pixels else None

    def _update(self) -> None:
        image, pixels = self._session.shown, self._pixels()
        if not self._clients or self._job is not None or image is None:
            return
        if pixels is None or not pixels.loaded:
            return
        measured, nuclei = self._present(), self._nuclei_state()
        state = pixels.edits, nuclei
        known = measured is not None and measured.table.scale == scale_of(image.source)
        if measured and known and (measured.edits, measured.nuclei) == state:
            self._show(image, measured)
        elif self._failed != (pixels, *state):
            self._measure(image, nuclei)

    def _measure(self, image: ProjectImage, nuclei: _NucleiState | None) -> None:
        labels = image.masks
        assert labels is not None
        source, pixels, edits = image.source, labels.pixels, labels.pixels.edits
        known = known_of(self._session, image, labels, labels.hand_edits)
        project = self._session.project
        in_time = source.frames > 1
        taken, seconds = [pixels.snapshot()], []
        if nuclei is not None and (of_nuclei := nuclei.pixels()) is not None:
            seconds.append(of_nuclei.snapshot())

        def work(checkpoint: Checkpoint) -> _Measured:
            # Loading the compiled loops takes time, which the start need not wait for.
            from cellpose_studio.core.measure.compartments.measure import (
                Nuclei,
                with_compartments,
            )
            from cellpose_studio.core.measure.image_channels import channels_of
            from cellpose_studio.core.measure.measure import measure_cells

            # Released at the end, so that edits need not copy what they change.
            snapshot = taken.pop()
            array = snapshot.array(empty_labels)
            second = seconds.pop() if seconds else None
            shapes = cell_shapes(array, in_time)
            now = replace(known, hand=hand_edits_of(project, labels, array))

            errors: list[Exception] = []

            def measured(channels: Sequence[Channel]) -> Measurements:
                table = measure_cells(
                    array,
                    channels,
                    scale=scale_of(source),
                    in_time=in_time,
                    facts=now.facts(shapes),
                    checkpoint=checkpoint,
                )
                if second is None or nuclei is None:
                    return table
                others = Nuclei(labels=second.array(), choice=nuclei.choice)
                try:
                    return with_compartments(
                        table, array, others, channels, GROUPS, checkpoint=checkpoint
                    )
                except CompartmentsUnfit as unfit:
                    errors.append(unfit)
                    return table

            complete = True
            try:
                table = measured(channels_of(source))
            except ImageUnreadable as unreadable:
                table, complete = measured(()), False
                errors.insert(0, unreadable)
            return _Measured(
                pixels=weakref.ref(pixels),
                edits=edits,
                shapes=shapes,
                known=now,
                table=table,
                nuclei=nuclei,
                error=errors[0] if errors else None,
                complete=complete,
            )

        job = Job(f"Measuring {source.name}", work, quiet=True)
        fail = partial(self._fail, (pixels, edits, nuclei))
        job.failed.connect(while_open(self._session, fail))
        self._measured = weakref.ref(pixels)
        self._start(job)
        self.busy_changed.emit(True)

    def _start(self, job: Job) -> None:
        self._job = job
        job.finished.connect(self._finish)
        job.ended.connect(self._on_end)
        self._queue.start(job)

    def _finish(self, measured: _Measured) -> None:
        self._prepared = True
        self._keep(measured)
        image = self._session.shown
        if image is None or self._present() is not measured:
            return
        if measured.error is not None:
            self.failed.emit(measured.error)
        self._show(image, measured)

    def _show(self, image: ProjectImage, measured: _Measured) -> None:
        """Emit what was measured, and look at decisions that were made meanwhile."""
        if self._emitted is not measured.table:
            self._emit(measured.table)
        if image.statuses.get(image.active, {}) != measured.known.statuses:
            self._renew_facts(image, measured)
        else:
            self._renew_classes(image, measured)

    def _fail(
        self, state: tuple[LabelImage, int, _NucleiState | None], error: Exception
    ) -> None:
        # What fails is not tried again before the masks change.
        self._failed = state
        self.failed.emit(error)

    def _on_end(self) -> None:
        self._job = self._measured = None
        self.busy_changed.emit(False)
        # They may have been edited, or others be shown, in the meantime.
        self._soon()

    def _keep(self, measured: _Measured) -> None:
        key = id(measured.pixels())
        self._kept[key] = measured
        self._kept.move_to_end(key)
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)


def _with_facts(table: Measurements, facts: CellFacts) -> Measurements:
    """Return a table in which what is known of the cells was renewed."""
    known = {one.name: one.values(facts, table.ids) for one in FACTS}
    values = {name: known.get(name, values) for name, values in table.values.items()}
    return replace(table, values=values).with_classes(facts.classes)
