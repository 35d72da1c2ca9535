"""The training set of the open project: roles, crops, and what is not annotated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from psygnal import Signal

from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
from cellpose_studio.app.session.while_open import while_open
from cellpose_studio.app.undo.training_steps import TrainingStep
from cellpose_studio.core.errors import TrainingSetUnfit
from cellpose_studio.core.models.training_set import Role
from cellpose_studio.core.review.training_marks import (
    NO_MARKS,
    OPTIONS_STATE,
    CropRole,
    LeaveOut,
    TrainingCrop,
    TrainingMarks,
    leave_out_from,
    proposed_validation,
    role_of_crop,
)
from cellpose_studio.core.runs.region import Region
from cellpose_studio.io.project.tables.training.marks import write_marks
from cellpose_studio.io.project.tables.training.members import (
    TRAINING_SET,
    TrainingMember,
    delete_member,
    write_member,
)
from cellpose_studio.workflows.training.folder_import import FolderImage
from cellpose_studio.workflows.training.project_set import (
    KnownParts,
    SetPart,
    parts_of_project,
)

ROLE_WORDS: dict[Role, str] = {"train": "training", "validation": "validation"}


@dataclass(frozen=True)
class Said:
    """What is said of the masks of an image.

    Attributes
    ----------
    revision
        Revision of the masks that earlier versions of the program chose; None for
        the masks as they are.
    """

    role: Role | None = None
    revision: int | None = None
    marks: TrainingMarks = NO_MARKS


class TrainingSet:
    """Says what images are for in training; their active masks count.

    Every change is one undo step of its image, and is written at once. The masks are
    used as they are when a training begins, whose record names their revisions.
    """

    changed = Signal()
    image_changed = Signal(object)  # ProjectImage
    masks_edited = Signal()  # of an image of the set
    failed = Signal(Exception)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._said: dict[int, Said] = {}
        self._options = LeaveOut()
        self._expected: dict[Path, FolderImage] = {}
        self._known: KnownParts = {}
        session.project_changed.connect(self._load)
        session.masks_changed.connect(self._on_masks)
        self._load()

    @property
    def options(self) -> LeaveOut:
        """What is left out of all images."""
        return self._options

    def said(self, image: ProjectImage) -> Said:
        """Return what is said of the active masks of an image."""
        return self._said.get(image.label_set_ids.get(image.active, 0), Said())

    def role(self, image: ProjectImage) -> Role | None:
        """Return what the active masks of an image are for; None: not for training."""
        return self.said(image).role

    def images(self, role: Role) -> list[ProjectImage]:
        """Return the listed images that are for training, or for validation."""
        return [image for image in self._session.images if self.role(image) == role]

    @property
    def has_members(self) -> bool:
        """Whether a listed image is marked."""
        return any(self.uses(image) for image in self._session.images)

    def uses(self, image: ProjectImage) -> set[Role]:
        """Return what an image is used for: any of its masks, or their crops."""
        found: set[Role | None] = set()
        for label_set in image.label_set_ids.values():
            said = self._said.get(label_set, Said())
            crops = said.marks.crops
            found |= {role_of_crop(crop, said.role) for crop in crops} or {said.role}
        return {role for role in found if role is not None}

    def show_used(self, image: ProjectImage) -> None:
        """Make masks of an image active that have a role, if any have.

        Of an imported folder, those are corrected then that are trained on.
        """
        used = [
            name
            for name, label_set in image.label_set_ids.items()
            if self._said.get(label_set, Said()).role is not None
        ]
        if used and image.active not in used:
            self._session.choose_label_set(image, used[0])

    def set_role(
        self, images: Iterable[ProjectImage], role: Role | None
    ) -> list[ProjectImage]:
        """Use images for training or validation, or leave them out.

        Returns
        -------
        Those that have no masks, of which nothing is said.
        """
        without = []
        text = f"Use for {ROLE_WORDS[role]}" if role else "Leave out of training"
        for image in images:
            if image.masks is None:
                without.append(image)
            else:
                said = self.said(image)
                self._change(image, replace(said, role=role, revision=None), text)
        return without

    def set_marks(self, image: ProjectImage, marks: TrainingMarks, text: str) -> None:
        """Say something else of the active masks of an image."""
        self._change(image, replace(self.said(image), marks=marks), text)

    def add_crop(self, image: ProjectImage, region: Region) -> TrainingCrop | None:
        """Add a crop with the role of its image, which is for training if it had none.

        None if the region lies outside the image, or is smaller than a pixel.
        """
        rows, columns = region.rows_and_columns(image.source.shape[-2:])
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return None
        inside = region.model_copy(
            update={
                "points": (
                    (float(columns.start), float(rows.start)),
                    (float(columns.stop), float(rows.stop)),
                )
            }
        )
        said = self.said(image)
        crop = TrainingCrop(name=said.marks.free_name(), region=inside)
        marks = said.marks.model_copy(update={"crops": (*said.marks.crops, crop)})
        role: Role = said.role or "train"
        self._change(image, replace(said, role=role, marks=marks), f"Add {crop.name}")
        return crop

    def change_crop(
        self, image: ProjectImage, name: str, changed: TrainingCrop | None
    ) -> None:
        """Replace a crop by another one, or remove it.

        Raises
        ------
        TrainingSetUnfit
            If another crop of the image has the new name.
        """
        marks = self.said(image).marks
        others = [crop.name for crop in marks.crops if crop.name != name]
        if changed is not None and changed.name in others:
            raise TrainingSetUnfit(f"There is another crop called {changed.name}.")
        crops = [changed if crop.name == name else crop for crop in marks.crops]
        kept = tuple(crop for crop in crops if crop is not None)
        text = f"Remove {name}" if changed is None else f"Change {name}"
        self.set_marks(image, marks.model_copy(update={"crops": kept}), text)

    def set_crop_role(self, image: ProjectImage, name: str, role: CropRole) -> None:
        """Use a crop otherwise than its image; what its image is for follows it."""
        to = None if role == self.role(image) else role
        for crop in self.said(image).marks.crops:
            if crop.name == name:
                self.change_crop(image, name, crop.model_copy(update={"role": to}))

    def add_unannotated(self, image: ProjectImage, region: Region) -> None:
        """Say that cells without masks may lie in a region."""
        marks = self.said(image).marks
        regions = (*marks.unannotated, region)
        new = marks.model_copy(update={"unannotated": regions})
        self.set_marks(image, new, "Mark as not annotated")

    def expect(self, found: Iterable[FolderImage]) -> None:
        """Give images of folders their roles: now, or when they have been opened."""
        self._expected |= {one.image: one for one in found}
        for image in self._session.images:
            self._take_expected(image)

    def say_unlabelled(self, image: ProjectImage, name: str, unlabelled: str) -> None:
        """Say which pixels of masks that were just imported are not annotated.

        Parameters
        ----------
        name
            Of the masks.
        unlabelled
            By `pack_mask`.
        """
        label_set = image.label_set_ids[name]
        said = self._said.get(label_set, Said())
        marks = said.marks.model_copy(update={"unlabelled": unlabelled})
        self._put(image, label_set, replace(said, marks=marks))

    def set_options(self, options: LeaveOut) -> None:
        """Leave other cells and images out."""
        if options == self._options:
            return
        self._options = options
        self._session.project.set_state(OPTIONS_STATE, options.model_dump())
        self.changed.emit()

    def proposal(self) -> list[ProjectImage]:
        """Return which images for training to validate on instead: one in five.

        Images that are for validation stay so. Copies of a file stay together: a model
        must not be judged by what it was trained on.
        """
        train: defaultdict[str, list[ProjectImage]] = defaultdict(list)
        for image in self.images("train"):
            train[image.source.fingerprint].append(image)
        validation = {image.source.fingerprint for image in self.images("validation")}
        proposed = proposed_validation(train, sorted(validation))
        return [image for name in proposed for image in train[name]]

    def read_parts(
        self,
        queue: JobQueue,
        then: Callable[[list[SetPart]], None],
        late: Callable[[], object] | None = None,
    ) -> Job:
        """Read the set in the background; call ``then`` with it on the GUI thread.

        Once another project is open, ``late`` is called instead.
        """
        project, known = self._session.project, self._known
        job = Job(
            "Reading the training set",
            lambda checkpoint: parts_of_project(
                project.read, project.folder, checkpoint, known
            ),
            quiet=True,
        )
        job.finished.connect(while_open(self._session, then, late))
        job.failed.connect(while_open(self._session, self.failed.emit, late))
        return queue.start(job)

    def seal(
        self,
        queue: JobQueue,
        then: Callable[[], object],
        late: Callable[[], object] | None = None,
    ) -> Job:
        """Make revisions of edited masks of the set; call ``then`` afterwards.

        For trainings and exports: what is read of the set then has revisions, and
        stays the same whatever the user edits meanwhile. Once another project is open,
        ``late`` is called instead.
        """
        images = [image for image in self._session.images if self.uses(image)]
        edited = [
            labels
            for image in images
            for labels in image.label_sets.values()
            if labels.edited and not labels.pixels.loaded
        ]

        def load(_: object) -> None:
            for labels in edited:
                labels.pixels.load()

        def finish(_: object) -> None:
            for image in images:
                self._session.commit_pending(image)
                self._session.seal(image)
            then()

        # Masks with edits in the journal have to be in memory to become a revision.
        job = Job("Reading masks", load, quiet=True)
        job.finished.connect(while_open(self._session, finish, late))
        job.failed.connect(while_open(self._session, self.failed.emit, late))
        return queue.start(job)

    def _change(self, image: ProjectImage, said: Said, text: str) -> None:
        before = self.said(image)
        label_set = image.label_set_ids.get(image.active)
        if label_set is None or said == before:
            return
        put = partial(self._put, image, label_set)
        put(said)
        self._session.undo_stack.push(
            TrainingStep(self._session.editor, image, text, before, said, put)
        )

    def _put(self, image: ProjectImage, label_set: int, said: Said) -> None:
        self._said[label_set] = said
        project = self._session.project
        project.stored_marks[label_set] = said.marks
        changes = [lambda db: write_marks(db, label_set, said.marks)]
        if said.role is None:
            project.stored_members.pop(label_set, None)
            changes.append(lambda db: delete_member(db, TRAINING_SET, label_set))
        else:
            member = TrainingMember(TRAINING_SET, label_set, said.revision, said.role)
            project.stored_members[label_set] = member
            changes.append(lambda db: write_member(db, member))
        project.submit(*changes)
        self.image_changed.emit(image)

    def _load(self) -> None:
        project = self._session.project
        self._expected.clear()
        self._known = {}
        self._said = {
            label_set: Said(marks=marks)
            for label_set, marks in project.stored_marks.items()
        }
        for label_set, member in project.stored_members.items():
            marks = project.stored_marks.get(label_set, NO_MARKS)
            self._said[label_set] = Said(member.role, member.revision, marks)
        self._options = leave_out_from(project.state(OPTIONS_STATE))
        self.changed.emit()

    def _on_masks(self, change: MasksChange) -> None:
        if self._expected and change.kind != "drafted":
            self._take_expected(change.image)
        if change.kind != "drafted" and self.uses(change.image):
            self.masks_edited.emit()

    def _take_expected(self, image: ProjectImage) -> None:
        path = image.source.path
        if path not in self._expected or image.masks is None:
            return
        one = self._expected.pop(path)
        said = self.said(image)
        marks = said.marks
        if one.unlabelled:
            marks = marks.model_copy(update={"unlabelled": one.unlabelled})
        said = replace(said, role=one.role, revision=None, marks=marks)
        self._change(image, said, f"Use for {ROLE_WORDS[one.role]}")
