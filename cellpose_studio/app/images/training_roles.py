"""Which masks of a project are for training and for testing."""

from __future__ import annotations

from psygnal import Signal

from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.io.project.tables.training.members import (
    TrainingMember,
    TrainingRole,
    delete_member,
    read_members,
    write_member,
)

TRAINING_SET = "training"
"""Name of the training set that the image list shows."""


class TrainingRoles:
    """Says what the masks of an image are used for; the active ones count."""

    changed = Signal()
    image_changed = Signal(object)  # ProjectImage
    failed = Signal(Exception)

    def __init__(self, session: Session, queue: JobQueue) -> None:
        self._session = session
        self._queue = queue
        self._roles: dict[int, TrainingRole | None] = {}
        session.project_changed.connect(self._load)
        self._load()

    def role(self, image: ProjectImage) -> TrainingRole | None:
        """Return what the active masks of an image are for; None: not for training."""
        return self._roles.get(image.label_set_ids.get(image.active, 0))

    def set_role(self, image: ProjectImage, role: TrainingRole | None) -> None:
        """Use the active masks of an image for training, or testing, or neither.

        They are used as they are now, whatever is drawn later. An image without masks
        cannot be used.
        """
        labels = image.masks
        if labels is None:
            return
        label_set = image.label_set_ids[image.active]
        self._roles[label_set] = role
        if role is None:
            self._session.project.submit(
                lambda db: delete_member(db, TRAINING_SET, label_set)
            )
        elif labels.edited and not labels.pixels.loaded:
            self._read_and_pin(image, labels, role)
        else:
            self._pin(image, labels.name, role)
        self.image_changed.emit(image)

    def _pin(self, image: ProjectImage, name: str, role: TrainingRole) -> None:
        """Write down which revision is meant; edits become one."""
        label_set = image.label_set_ids[name]
        # The user may have chosen another role while the masks were read.
        if self._roles.get(label_set) != role:
            return
        self._session.commit_pending(image)
        self._session.seal(image)
        labels = image.label_sets.get(name)
        revision = labels.revision.id if labels and labels.revision else None
        member = TrainingMember(TRAINING_SET, label_set, revision, role)
        self._session.project.submit(lambda db: write_member(db, member))

    def _read_and_pin(
        self, image: ProjectImage, labels: LabelSet, role: TrainingRole
    ) -> None:
        """Read masks whose edits are in the journal, off the GUI thread; pin them."""
        project = self._session.project

        def finish(_: object) -> None:
            if self._session.project is project:
                self._pin(image, labels.name, role)

        def fail(error: Exception) -> None:
            self.failed.emit(error)
            if self._session.project is project:
                self._roles[image.label_set_ids[labels.name]] = None
                self.image_changed.emit(image)

        work = labels.pixels.load
        job = Job(f"Reading {labels.name}", lambda _: work(), quiet=True)
        job.finished.connect(finish)
        job.failed.connect(fail)
        self._queue.start(job)

    def _load(self) -> None:
        self._roles = {}
        project = self._session.project
        job = Job(
            "Reading the training set", lambda _: project.read(read_members), quiet=True
        )
        job.finished.connect(lambda members: self._on_members(project, members))
        job.failed.connect(self.failed.emit)
        self._queue.start(job)

    def _on_members(self, project: Project, members: list[TrainingMember]) -> None:
        if project is not self._session.project:
            return
        stored = {m.label_set: m.role for m in members if m.name == TRAINING_SET}
        # What was said while the job ran is newer.
        self._roles = {**stored, **self._roles}
        self.changed.emit()
