"""Puts cells into classes, and changes the list of classes; each is one undo step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
from cellpose_studio.app.undo.class_steps import ClassListStep
from cellpose_studio.core.measure.inputs import CellClasses
from cellpose_studio.core.provenance.classes.assigned import (
    Assigned,
    by_classifier,
    by_hand,
)
from cellpose_studio.core.provenance.classes.cell_class import (
    CellClass,
    changed_with,
    new_class,
)
from cellpose_studio.core.provenance.revision import CellChanges
from cellpose_studio.core.wording import cell_count
from cellpose_studio.workflows.measure.facts import classes_of


def put_into_class(
    session: Session, image: ProjectImage, cells: Iterable[int], number: int | None
) -> int:
    """Put cells of the active masks into a class; None takes them out of any.

    Returns
    -------
    How many changed.
    """
    known = image.classes.get(image.active, {})
    changes = by_hand(known, cells, number)
    one = session.masks.classes.get(number) if number is not None else None
    if number is not None and one is None:
        return 0
    count = cell_count(len(changes))
    text = f"Classify {count} as {one.name}" if one else f"Clear the class of {count}"
    session.change_cells(image, text, CellChanges(classes=changes))
    return len(changes)


def apply_classes(
    session: Session, image: ProjectImage, found: Mapping[int, Assigned]
) -> int:
    """Give cells of the active masks the classes that a classifier has found.

    Those that were classed by hand keep their class.

    Returns
    -------
    How many have the class of the classifier now.
    """
    known = image.classes.get(image.active, {})
    there = {one.id for one in session.masks.classes.present}
    # A class that the classifier knows may have been removed since.
    found = {cell: one for cell, one in found.items() if one.number in there}
    changes = by_classifier(known, found, there)
    text = f"Classify {cell_count(len(changes))} by the classifier"
    session.change_cells(image, text, CellChanges(classes=changes))
    after = image.classes.get(image.active, {})
    return sum(after.get(cell) == one for cell, one in found.items())


def add_class(session: Session, name: str) -> CellClass:
    """Add a class with a free colour and key.

    Raises
    ------
    ClassRefused
    """
    classes = session.masks.classes
    added = new_class(classes.every, name, classes.next_id())
    _change(session, f"Add class {added.name}", [added])
    return added


def change_class(session: Session, changed: CellClass) -> None:
    """Give a class another name, colour or key.

    The class that has the key gets that which this one had.

    Raises
    ------
    ClassRefused
    """
    found = changed_with(session.masks.classes.every, changed)
    if found:
        _change(session, f"Change class {changed.name}", found)


def remove_class(session: Session, one: CellClass) -> None:
    """Remove a class from the list; its cells are in no class then."""
    _change(session, f"Remove class {one.name}", [replace(one, removed=True)])


def names_and_colours(
    session: Session, image: ProjectImage
) -> dict[int, tuple[str, str]]:
    """Return name and colour of the class of each active cell that has one."""
    known = {one.id: (one.name, one.colour) for one in session.masks.classes.present}
    assigned = image.classes.get(image.active, {})
    return {c: known[one.number] for c, one in assigned.items() if one.number in known}


def class_facts(session: Session, image: ProjectImage, name: str) -> CellClasses | None:
    """Return the classes of cells for tables; None in a project without classes."""
    known = session.masks.classes
    # A copy, because a job may read it while the user goes on.
    assigned = dict(image.classes.get(name, {}))
    return classes_of(known.present, assigned, known.used(session.images.known))


def _change(session: Session, text: str, changed: Iterable[CellClass]) -> None:
    classes = session.masks.classes
    known = {one.id: one for one in classes.every}
    steps = [(known.get(one.id, replace(one, removed=True)), one) for one in changed]
    classes.put(*(after for _, after in steps))
    # Without an image there is nothing that Ctrl+Z belongs to.
    if session.shown is not None:
        session.undo_stack.push(
            ClassListStep(session.editor, session.shown, text, classes, steps)
        )
