"""Masks of the images of a session, to be evaluated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from cellpose_studio.app.images.decisions import decisions_of
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.io.project.tables.revisions import read_revisions
from cellpose_studio.workflows.evaluation.choice import (
    RUN,
    MasksChoice,
    Sides,
    chosen_revision,
    models_of,
)
from cellpose_studio.workflows.evaluation.decisions import NO_DECISIONS, Decisions
from cellpose_studio.workflows.evaluation.items import (
    Classes,
    ItemToEvaluate,
    MasksToCompare,
    masks_to_compare,
)
from cellpose_studio.workflows.evaluation.project import (
    class_names,
    classes_of_sides,
    no_such_masks,
)

_MOST_REVISIONS = 20
"""So many revisions of the masks shown are offered, the newest first."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Reading:
    """Reads the masks of an image."""

    found: Callable[[], Labels]
    true: Callable[[], Labels]
    decisions: tuple[Decisions, Decisions]
    ignore: Callable[[], Labels] | None
    classes: Classes | None
    in_frames: bool

    def __call__(self) -> MasksToCompare:
        return masks_to_compare(
            self.found(),
            self.true(),
            self.decisions,
            in_frames=self.in_frames,
            ignore=self.ignore() > 0 if self.ignore is not None else None,
            classes=self.classes,
        )


def items_of_session(
    session: Session, images: Sequence[ProjectImage], sides: Sides
) -> list[ItemToEvaluate]:
    """Return images that have both masks; for the GUI thread.

    Their pixels are read by the items, from any thread. Where the masks before the
    corrections are compared with those after them, images that nobody corrected or
    reviewed are left out.
    """
    needs_corrections = sides.compares_corrections
    listed = {one.id: one.name for one in session.masks.classes.present}
    items = []
    for image in images:
        readers = [_reader(session, image, one) for one in (sides.found, sides.true)]
        found, true = readers
        if found is None or true is None:
            continue
        by_hand = image.is_corrected(sides.true.name or image.active)
        if needs_corrections and not (by_hand or image.reviewed):
            continue
        # Earlier masks may have other cells with the same ids.
        of_found, of_true = (
            NO_DECISIONS
            if one.version
            else decisions_of(session, image, one.name or image.active)
            for one in (sides.found, sides.true)
        )
        ignore = None
        if sides.ignore:
            ignore = _reader(session, image, MasksChoice(sides.ignore))
        names = (
            class_names(listed, image.classes.get(one.name or image.active, {}))
            for one in (sides.found, sides.true)
        )
        classes = classes_of_sides(sides, *names)
        items.append(
            ItemToEvaluate(
                name=image.source.name,
                id=image.id,
                read=_Reading(
                    found=found,
                    true=true,
                    decisions=(of_found, of_true),
                    ignore=ignore,
                    classes=classes if any(classes) else None,
                    in_frames=image.source.frames > 1,
                ),
            )
        )
    return items


def decided_on(
    session: Session, images: Sequence[ProjectImage], several: Sequence[Sides]
) -> list[object]:
    """Return what scores depend on beside masks, to be compared with a later time."""
    return [
        (image.id, decisions_of(session, image, one.name or image.active).counted)
        for sides in several
        for one in (sides.found, sides.true)
        for image in images
        if not one.version
    ]


def choices_of(
    project: Project, sets: Sequence[tuple[str, int]], shown: tuple[str, int] | None
) -> list[tuple[str, MasksChoice]]:
    """Return the masks that can be chosen, with texts; for any thread.

    Parameters
    ----------
    sets
        Names and ids of the label sets of all images.
    shown
        Those of the masks shown, whose revisions are offered.

    Raises
    ------
    ProjectUnusable
    """
    names = list(dict.fromkeys(name for name, _ in sets))
    found = [MasksChoice(name) for name in names]
    found += [MasksChoice(name, RUN) for name in names]
    models: dict[MasksChoice, None] = {}
    for name, number in sets:
        for title in project.read(partial(models_of, label_set=number)):
            models[MasksChoice(name, title)] = None
    found += models
    result = [(one.words, one) for one in found]
    if shown is not None:
        name, number = shown
        revisions = project.read(lambda db: read_revisions(db, number))
        for one in reversed(revisions[-_MOST_REVISIONS:]):
            text = f"{name}, revision {one.id} ({one.origin or one.kind})"
            result.append((text, MasksChoice(name, str(one.id))))
    return result


def _reader(
    session: Session, image: ProjectImage, choice: MasksChoice
) -> Callable[[], Labels] | None:
    """Return what reads the masks of a choice; None if there are none."""
    labels = image.label_sets.get(choice.name or image.active)
    if labels is None:
        return None
    project = session.project
    if not choice.version:
        # Taken here, in the thread that edits them.
        taken = [labels.pixels.snapshot()] if labels.pixels.loaded else []
        return lambda: _present(project, labels, taken)
    number = image.label_set_ids.get(labels.name)
    kept = image.kept_masks(labels.name)
    head = kept.revision if kept is not None else None
    if number is None or head is None:
        return None

    def earlier() -> Labels:
        revision = project.read(lambda db: chosen_revision(db, number, head, choice))
        if revision is None:
            raise no_such_masks(image.source.name, choice)
        return project.labels(revision)

    return earlier


def _present(project: Project, labels: LabelSet, taken: list[Snapshot]) -> Labels:
    if taken:
        return taken[0].array()
    if labels.revision is None:
        raise MasksUnreadable("These masks are not recorded yet. Try again.")
    return project.labels_now(labels.revision)
