"""What is known of cells: their status, their class, and which came from which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from cellpose_studio.app.masks.events import Events
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.masks.revision_writer import RevisionWriter
from cellpose_studio.core.provenance.cell_changes import changes_to
from cellpose_studio.core.provenance.revision import (
    CellChanges,
    CellStatus,
    LabelRevision,
    StatusChanges,
)

T = TypeVar("T")


class CellChanger:
    """Sets status, class and mother of cells, by label set and id, and journals it.

    Both belong to an id: edits keep them, and so does a cell that was deleted, for the
    day when it comes back.
    """

    def __init__(self, writer: RevisionWriter, events: Events) -> None:
        self._writer = writer
        self._events = events

    def apply(
        self,
        image: ProjectImage,
        name: str,
        text: str,
        changes: CellChanges,
        undoes: int | None = None,
    ) -> int:
        """Change what is known of cells; return the journal entry's id."""
        number = self._writer.change_cells(
            image.label_set_ids[name], _revision(image, name), text, changes, undoes
        )
        self.put(image, name, changes)
        return number

    def put(self, image: ProjectImage, name: str, changes: CellChanges | None) -> None:
        """Change what is known of cells after the journal has it."""
        self.write(image, name, changes)
        self.tell(image, name, changes)

    def write(
        self, image: ProjectImage, name: str, changes: CellChanges | None
    ) -> None:
        """Change what is known of cells; `tell` has to follow.

        In between come masks that the changes belong to: they are drawn once then.
        """
        if changes is None:
            return
        if changes.statuses:
            _put(image.statuses.setdefault(name, {}), changes.statuses)
        if changes.mothers:
            _put(image.mothers.setdefault(name, {}), changes.mothers)
        if changes.classes:
            _put(image.classes.setdefault(name, {}), changes.classes)

    def tell(self, image: ProjectImage, name: str, changes: CellChanges | None) -> None:
        """Tell listeners what `write` has changed."""
        if changes is None:
            return
        if changes.statuses:
            self._events.statuses_changed.emit(image, name, tuple(changes.statuses))
        if changes.mothers:
            self._events.divisions_changed.emit(image, name, tuple(changes.mothers))
        if changes.classes:
            self._events.classes_changed.emit(image, name, tuple(changes.classes))


def status_changes(
    image: ProjectImage, cells: Iterable[int], status: CellStatus | None
) -> StatusChanges:
    """Return what has to change for cells of the active masks to have a status."""
    known = image.statuses.get(image.active, {})
    return changes_to(known, dict.fromkeys(cells, status))


def describe(cells: int, status: CellStatus | None) -> str:
    """Return what the menu calls a step: "Accept cell", "Reject 12 cells"."""
    verbs = {"accepted": "Accept", "rejected": "Reject", "later": "Keep for later"}
    verb = verbs[status] if status else "Forget status of"
    what = "cell" if cells == 1 else f"{cells:,} cells"
    return f"{verb}: {what}" if status == "later" else f"{verb} {what}"


def _put(known: dict[int, T], changes: Mapping[int, tuple[T | None, T | None]]) -> None:
    for cell, (_, after) in changes.items():
        if after is None:
            known.pop(cell, None)
        else:
            known[cell] = after


def _revision(image: ProjectImage, name: str) -> LabelRevision | None:
    """Return the revision that masks are at; those of a preview have none yet."""
    labels = image.kept_masks(name)
    return labels.revision if labels is not None else None
