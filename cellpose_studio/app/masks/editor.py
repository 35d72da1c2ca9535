"""Changes masks, and writes each change into the journal of the project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cellpose_studio.app.masks.cell_changer import CellChanger
from cellpose_studio.app.masks.events import ChangeKind, Events, MasksChange
from cellpose_studio.app.masks.image_collection import ImageCollection
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.masks.store import MaskStore
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.provenance.hand_edits import was_undone
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import (
    CellChanges,
    LabelRevision,
    RevisionKind,
)


@dataclass(frozen=True, eq=False)
class NewHead:
    """What came of masks that were recorded as a new revision.

    Attributes
    ----------
    before
        The revision that they took the place of; None if there was none.
    labels
        The masks with their revision.
    number
        Id of the entry in the journal.
    """

    before: LabelRevision | None
    labels: LabelSet
    number: int


class MaskEditor:
    """Changes the masks of images: what steps of the undo stack and strokes need.

    Each change except drafts and previews is in the journal of the project when its
    method returns; the methods return the id of the entry.
    """

    def __init__(
        self, store: MaskStore, images: ImageCollection, events: Events
    ) -> None:
        self._store = store
        self._images = images
        self._events = events
        self._writer = store.writer
        self.cells = CellChanger(store.writer, events)

    # Pixels

    def draft(self, image: ProjectImage, name: str, edit: LabelEdit) -> None:
        """Change pixels of a stroke that has not ended; the journal has nothing."""
        image.label_sets[name].pixels.apply(edit)
        self._tell(image, name, "drafted", edit)

    def apply(
        self,
        image: ProjectImage,
        name: str,
        edit: LabelEdit,
        undoes: int | None = None,
        changes: CellChanges | None = None,
    ) -> int:
        """Write an edit into the masks and the journal.

        ``undoes`` is the entry that it takes back; ``changes`` of cells come with it.
        """
        self._store.drop_preview(image, name)
        image.label_sets[name].pixels.apply(edit)
        return self._journal(image, name, edit, undoes, changes)

    def keep_draft(self, image: ProjectImage, name: str, edit: LabelEdit) -> int:
        """Write an edit into the journal whose pixels were drafted."""
        return self._journal(image, name, edit, None, None, was_drafted=True)

    # Masks as a whole

    def put_new(
        self,
        image: ProjectImage,
        labels: LabelSet,
        text: str,
        kind: RevisionKind,
        details: dict[str, object] | None = None,
        changes: CellChanges | None = None,
        activate: bool = True,
    ) -> NewHead:
        """Record masks as a new revision, and put them in place.

        With ``activate`` they become the active ones of an image in the list.
        """
        name = labels.name
        before = self._store.leave(image, name)
        after, number = self._writer.record(
            self._store.label_set_id(image, name),
            image.id,
            labels,
            kind,
            text,
            before,
            details,
            changes,
        )
        self._store.keep(after)
        self._events.recorded.emit(image, after)
        # Listeners of `put` have to find the new masks as the active ones.
        if activate and self._images.is_listed(image):
            self._images.activate(image, name)
        self.cells.write(image, name, changes)
        self._store.put(image, name, after)
        self.cells.tell(image, name, changes)
        return NewHead(before, after, number)

    def rename(self, image: ProjectImage, old: str, new: str) -> None:
        """Rename a label set."""
        was_active = image.active == old
        self._store.rename(image, old, new)
        if was_active:
            self._images.activate(image, new)
        self._events.masks_renamed.emit(image, old, new)
        self._tell(image, old, "replaced")
        self._tell(image, new, "replaced")

    def kept(self, revision: LabelRevision) -> LabelSet | None:
        """Return the masks of a revision, if they are in memory."""
        return self._store.cache.get(revision)

    def switch_head(
        self,
        image: ProjectImage,
        name: str,
        revision: LabelRevision | None,
        text: str,
        undoes: int | None,
        changes: CellChanges,
    ) -> tuple[LabelRevision | None, int]:
        """Put the masks of a revision back, or none.

        Returns the revision left, edits included, and the journal entry's id.
        """
        left = self._store.leave(image, name)
        after = None
        if revision is not None:
            after = self._store.at(name, revision)
            self._store.keep(after)
        number = self._writer.switch(
            self._store.label_set_id(image, name), text, left, after, undoes, changes
        )
        self.cells.write(image, name, changes)
        self._store.put(image, name, after)
        self.cells.tell(image, name, changes)
        return left, number

    def preview(self, image: ProjectImage, labels: LabelSet) -> None:
        """Show masks that are not worth a revision yet."""
        if image.preview_of is None:
            image.preview_of = image.label_sets.get(labels.name)
        self._store.put(image, labels.name, labels, "previewed")

    def complete(
        self,
        image: ProjectImage,
        labels: LabelSet,
        touched: Mapping[int, frozenset[int]] | None = None,
        **known: Any,
    ) -> None:
        """Add what is known of masks that were just read from the project.

        The user may have edited them already. ``touched`` has cells of edits.
        """
        read = touched or {}
        now = image.label_sets.get(labels.name)
        # Other masks may have taken their place while these were read.
        if now is not None and now.pixels is labels.pixels:
            # Those that were undone meanwhile are no longer among the edits in force.
            cells = {n: read.get(n, had) for n, had in now.touched.items()}
            image.label_sets[labels.name] = replace(now, touched=cells, **known)
            self._store.keep(image.label_sets[labels.name])
            self._tell(image, labels.name, "loaded")

    def record_run(self, image: ProjectImage, record: RunRecord) -> None:
        """Keep the record of a run that gave no masks."""
        self._writer.record_run(image.id, record)
        self._events.image_changed.emit(image)

    # What is seen

    def activate(self, image: ProjectImage, name: str) -> None:
        """Make a label set the active one, as it is."""
        if image.active != name:
            self._events.shown_changing.emit()
            self._images.activate(image, name)
            self._tell(image, name, "activated")

    def show(self, image: ProjectImage, name: str) -> None:
        """Put an image on the canvas, with these masks as the active ones."""
        self.activate(image, name)
        self._images.show(image.source.key)

    def reveal(self, image: ProjectImage, name: str, edit: LabelEdit) -> None:
        """Show where an edit was undone, or done again."""
        self.show(image, name)
        self._events.undone.emit(image, edit)

    def _journal(
        self,
        image: ProjectImage,
        name: str,
        edit: LabelEdit,
        undoes: int | None,
        changes: CellChanges | None,
        was_drafted: bool = False,
    ) -> int:
        """Write an edit into the journal, after its pixels."""
        labels = image.label_sets[name]
        assert labels.revision is not None
        cells = len(labels.pixels.cell_table())
        # The journal comes before the screen: what listeners show is on its way to the
        # disk.
        number = self._writer.edit(
            self._store.label_set_id(image, name),
            labels.revision,
            edit,
            cells,
            undoes,
            labels.pixels.highest,
            changes,
        )
        touched = dict(labels.touched)
        if not was_undone(touched, undoes):
            touched[number] = frozenset(edit.touched_cells())
        image.label_sets[name] = replace(
            labels, cells=cells, edited=True, touched=touched
        )
        self._store.keep(image.label_sets[name])
        self._tell(image, name, "edited", edit, was_drafted)
        self.cells.put(image, name, changes)
        return number

    def _tell(
        self,
        image: ProjectImage,
        name: str,
        kind: ChangeKind,
        edit: LabelEdit | None = None,
        was_drafted: bool = False,
    ) -> None:
        change = MasksChange(
            image=image, name=name, kind=kind, edit=edit, was_drafted=was_drafted
        )
        self._events.masks_changed.emit(change)
