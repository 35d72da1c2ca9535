"""Reads the history of the image that is shown, off the GUI thread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psygnal import Signal
from qtpy.QtCore import QTimer

from cellpose_studio.app.history.lineage import Lineage, Present, read_lineages
from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.label_set import RUN_RESULT
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.app.session.while_open import while_open
from cellpose_studio.core.display.small_picture import Thumbnail
from cellpose_studio.io.cache.thumbnails import from_png
from cellpose_studio.io.project.tables.revisions import read_thumbnails

_DELAY = 120
"""ms in which changes are read together."""


@dataclass(frozen=True, eq=False)
class ImageHistory:
    """The history of an image.

    Attributes
    ----------
    lineages
        That of the label set that is shown first.
    thumbnails
        Of revisions, by id; only those that were not told before.
    """

    image: ProjectImage
    lineages: tuple[Lineage, ...]
    thumbnails: dict[int, Thumbnail]


class LineageReader:
    """Tells the history of the image that is shown, and tells it again on changes.

    Nothing is read while nobody looks.
    """

    changed = Signal(object)  # ImageHistory; None while that of the image is not known
    failed = Signal(Exception)

    def __init__(self, session: Session, queue: JobQueue) -> None:
        self._session = session
        self._queue = queue
        self._looking = False
        self._due = True
        self._job: Job | None = None
        self._told: set[int] = set()
        self._timer = QTimer(singleShot=True, interval=_DELAY)
        self._timer.timeout.connect(self._read)
        session.shown_changed.connect(self._on_other)
        session.project_changed.connect(self._on_project)
        session.masks_changed.connect(self._on_masks)
        session.recorded.connect(self._on_image)
        session.image_changed.connect(self._on_image)

    def look(self, looking: bool) -> None:
        """Say whether anybody looks."""
        self._looking = looking
        if looking and self._due:
            self._timer.start(0)

    def refresh(self) -> None:
        """Read again, soon."""
        self._due = True
        # A running timer is not restarted: steady changes would postpone the reading.
        if self._looking and not self._timer.isActive():
            self._timer.start(_DELAY)

    def _on_masks(self, change: MasksChange) -> None:
        if change.kind != "drafted":
            self._on_image(change.image)

    def _on_image(self, image: ProjectImage, *_: object) -> None:
        if image is self._session.shown:
            self.refresh()

    def _on_other(self, _: ProjectImage | None) -> None:
        self.changed.emit(None)
        self._due = True
        if self._looking:
            self._timer.start(0)

    def _on_project(self) -> None:
        self._told.clear()
        self._on_other(None)

    def _read(self) -> None:
        image, project = self._session.shown, self._session.project
        # What is being read may be too old; it is read again when that has ended.
        if image is None or self._job is not None or not self._looking:
            return
        self._due = False
        present, known, active = _present(image), set(self._told), image.active

        def work(_: object) -> ImageHistory:
            return _history(project, image, present, known, active)

        job = self._job = Job("Reading the history", work, quiet=True)
        job.finished.connect(while_open(self._session, self._finish))
        job.failed.connect(while_open(self._session, self.failed.emit))
        job.ended.connect(self._on_end)
        self._queue.start(job)

    def _finish(self, found: ImageHistory) -> None:
        # The user may have moved on while the history was read.
        if self._session.shown is found.image:
            self._told |= found.thumbnails.keys()
            self.changed.emit(found)

    def _on_end(self) -> None:
        self._job = None
        if self._due and self._looking and not self._timer.isActive():
            self._timer.start(0)


def when_local(time: datetime, now: datetime | None = None) -> str:
    """Return a time as short as it can be: "14:02", "3 Mar 14:02", "3 Mar 2025"."""
    now = (now or datetime.now().astimezone()).astimezone()
    local = time.astimezone(now.tzinfo)
    if local.date() == now.date():
        return f"{local:%H:%M}"
    if local.year == now.year:
        return f"{local.day} {local:%b %H:%M}"
    return f"{local.day} {local:%b %Y}"


def _present(image: ProjectImage) -> list[Present]:
    """Return the label sets of an image, of previews what they are a preview of."""
    found = []
    for name, number in image.label_set_ids.items():
        labels = image.label_sets.get(name)
        if image.preview_of is not None and image.preview_of.name == name:
            labels = image.preview_of
        revision = labels.revision if labels else None
        found.append(Present(name, number, revision.id if revision else None))
    return found


def _history(
    project: Project,
    image: ProjectImage,
    present: list[Present],
    known: set[int],
    active: str,
) -> ImageHistory:
    lineages = project.read(lambda db: read_lineages(db, image.id, present, RUN_RESULT))
    lineages.sort(key=lambda one: one.name != active)
    steps = [step for one in lineages for step in one.steps()]
    new = {step.revision.id for step in steps if step.revision} - known
    pictures = project.read(lambda db: read_thumbnails(db, sorted(new)))
    return ImageHistory(image, tuple(lineages), _decoded(pictures))


def _decoded(pictures: dict[int, bytes]) -> dict[int, Thumbnail]:
    decoded = {}
    for number, content in pictures.items():
        try:
            decoded[number] = from_png(content)
        except ValueError:
            # One without a picture is as good as one with a damaged picture.
            continue
    return decoded
