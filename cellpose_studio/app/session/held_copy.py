"""Saves what is in memory as a new project, where the file of the old one is lost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.wording import first_names, image_count
from cellpose_studio.io.project.tables.presets import write_preset
from cellpose_studio.io.project.tables.revisions import set_note
from cellpose_studio.io.project.tables.run_queue import write_items
from cellpose_studio.io.project.tables.training.marks import write_marks
from cellpose_studio.io.project.tables.training.members import write_member
from cellpose_studio.io.project.tables.training.rounds import write_round


@dataclass(frozen=True)
class HeldCopy:
    """A new project with what was in memory of another one.

    Attributes
    ----------
    project
        It still writes; close it to wait for that.
    images
        How many images of it have masks.
    missing
        Names of the images of which masks were not in memory.
    """

    project: Project
    images: int
    missing: tuple[str, ...]

    @property
    def text(self) -> str:
        """What was saved and what was not, in one or two sentences."""
        images = image_count(self.images)
        saved = f"Saved what is open as {self.project.name}: masks of {images}."
        if not self.missing:
            return saved
        names = first_names(self.missing, rest="more images")
        return f"{saved} Masks of {names} were not in memory: they are not in it."


def save_held(session: Session, path: Path) -> HeldCopy:
    """Make a project at ``path`` of the images of a session, with masks in memory.

    Cells keep their ids, what was decided on them, and whether they were made by hand;
    runs keep their records, and images their ids. The training set, the trainings, the
    presets, the queue and what else was remembered come along. Earlier revisions and
    steps of undo need the old file.

    Raises
    ------
    CannotSave
        If there is a file, or none can be made.
    """
    session.end_stroke()
    session.commit_pending()
    project = Project.create(path)
    copy = Session(project)
    copy.masks.classes.take(session.masks.classes)
    missing: list[str] = []
    images = 0
    for image in sorted(session.images.known, key=lambda one: one.id):
        # What is remembered of images goes by their ids.
        project.reserve("image", image.id - 1)
        [new] = copy.images.add([image.source], image.asked_axes)
        held = [one for one in image.label_sets.values() if one.pixels.loaded]
        for labels in held:
            _put(copy, new, image, labels)
            _put_training(session, copy, image, new, labels.name)
        if len(held) < len(image.label_sets):
            missing.append(image.source.name)
        images += bool(held)
        new.active = image.active
        copy.images.set_reviewed(new, image.reviewed)
        # The same file may have been added again with other pixels.
        if session.images.is_removed(image):
            copy.images.remove(image.source.key)
    _put_small_tables(session.project, project)
    return HeldCopy(project, images, tuple(missing))


def _put(
    copy: Session, new: ProjectImage, image: ProjectImage, labels: LabelSet
) -> None:
    # Places where cells were deleted are known by revisions of the old project.
    by_hand = replace(labels.hand_edits, deleted={})
    head = copy.editor.put_new(
        new,
        replace(
            labels,
            run=None,
            revision=None,
            edited=False,
            kept=by_hand,
            touched={},
            left_out=None,
        ),
        "Save elsewhere",
        "restore",
        changes=image.known_of_cells(labels.name),
        activate=False,
    )
    note, made = labels.revision.note if labels.revision else "", head.labels.revision
    if note and made is not None and not labels.edited:
        copy.project.submit(lambda db: set_note(db, made.id, note))


def _put_small_tables(old: Project, new: Project) -> None:
    """Say in the copy what a project says of no masks."""
    for name, state in old.states.items():
        new.set_state(name, state)
    for preset in old.presets.values():
        new.submit(partial(write_preset, preset=preset))
    queued = [*old.queued.values()]
    for item in queued:
        new.reserve("batch", item.id)
    new.submit(lambda db: write_items(db, queued))
    for record in old.rounds:
        number = new.next_id("training_round")
        new.submit(partial(write_round, number=number, record=record))


def _put_training(
    session: Session, copy: Session, image: ProjectImage, new: ProjectImage, name: str
) -> None:
    """Say of masks in the copy what is said of them in training."""
    old, number = image.label_set_ids[name], new.label_set_ids[name]
    member = session.project.stored_members.get(old)
    if member is not None:
        # Revisions of the old project are not in the copy.
        moved = replace(member, label_set=number, revision=None)
        copy.project.submit(lambda db: write_member(db, moved))
    marks = session.project.stored_marks.get(old)
    if marks is not None:
        copy.project.submit(lambda db: write_marks(db, number, marks))
