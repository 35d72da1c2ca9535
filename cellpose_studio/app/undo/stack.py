"""The undo stack, under either version of Qt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

try:  # Qt 6
    from qtpy.QtGui import QUndoCommand, QUndoStack
except ImportError:  # Qt 5
    from qtpy.QtWidgets import QUndoCommand, QUndoStack

from cellpose_studio.core.errors import StudioError

if TYPE_CHECKING:
    from cellpose_studio.app.masks.cell_statuses import CellStatuses
    from cellpose_studio.app.masks.label_set import LabelSet
    from cellpose_studio.app.masks.project_image import ProjectImage
    from cellpose_studio.app.session.session import Session
    from cellpose_studio.core.masks.edit import LabelEdit
    from cellpose_studio.core.provenance.revision import LabelRevision, StatusChanges


class StepUnfit(StudioError):
    """A step that cannot be done on the masks as they are."""


class UndoStack(QUndoStack):
    """What can be undone and redone, on all images that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.indexChanged.connect(self._drop_forgotten)

    def forget(self, image: ProjectImage) -> None:
        """Leave out the steps on an image that is no longer open."""
        for n in range(self.count()):
            if self.command(n).image is image:
                self.command(n).setObsolete(True)
        self._drop_forgotten()

    def _drop_forgotten(self) -> None:
        """Take forgotten steps off both ends, or Ctrl+Z would seem to do nothing.

        Qt drops an obsolete step when it comes to it, without running it.
        """
        while self.canUndo() and self.command(self.index() - 1).isObsolete():
            self.undo()
        while self.canRedo() and self.command(self.index()).isObsolete():
            self.redo()


class UndoStep(QUndoCommand):
    """Something that can be undone."""

    image: ProjectImage

    def check(self) -> None:
        """Raise `StudioError` if what comes next, undo or redo, is not possible."""

    @property
    def is_read(self) -> bool:
        """What it does is in memory."""
        return True

    def read(self) -> None:
        """Bring what it does into memory, from any thread; raises `ProjectDamaged`."""

    def needs(self) -> LabelSet | None:
        """Return the masks that have to be in memory for it, if any."""
        return None


class HeadSwitch(UndoStep):
    """A label set got new masks as a whole: by a run, an import or a threshold.

    It holds revisions, not pixels. Undoing goes back to the image it happened on.
    """

    def __init__(
        self,
        session: Session,
        image: ProjectImage,
        name: str,
        text: str,
        before: LabelRevision | None,
        after: LabelSet,
        number: int,
        statuses: StatusChanges | None = None,
    ) -> None:
        super().__init__(text)
        self.image = image
        self._session = session
        self._name = name
        self._before = before
        self._after = after.revision
        self._active_before = image.active
        self._number = number
        self._statuses = statuses or {}
        self._new: LabelSet | None = after

    def redo(self) -> None:
        """Put the new masks in place, and make them the active ones."""
        new, self._new = self._new, None
        if new is not None:
            # Pushing onto the stack comes here too: a run must not move the user.
            self._session.put_new(self.image, new)
            return
        self._before = self._switch(self._after, self.text(), self._statuses)
        self._session.show_masks(self.image, self._name)

    def undo(self) -> None:
        """Put the former masks back, or none."""
        # Edits that came after the new masks were undone before; so what is left now
        # has the pixels of the new masks, whatever number they have meanwhile.
        text, statuses = f"Undo {self.text()}", _inverse(self._statuses)
        self._after = self._switch(self._before, text, statuses)
        self._session.show_masks(self.image, self._active_before)

    def _switch(
        self, to: LabelRevision | None, text: str, statuses: StatusChanges
    ) -> LabelRevision | None:
        left, self._number = self._session.switch_head(
            self.image, self._name, to, text, self._number, statuses
        )
        return left


class EditStep(UndoStep):
    """Pixels of a label set were changed by hand.

    With ``applied``, they are changed already when the step is made.
    """

    def __init__(
        self,
        session: Session,
        image: ProjectImage,
        name: str,
        edit: LabelEdit,
        applied: bool = False,
        statuses: StatusChanges | None = None,
    ) -> None:
        super().__init__(edit.operation)
        self.image = image
        self._session = session
        self._name = name
        self._edit = edit
        self._applied = applied
        self._statuses = statuses or {}
        self._done = False
        self._number: int | None = None

    @property
    def edit(self) -> LabelEdit:
        """What it does when it is done."""
        return self._edit

    def check(self) -> None:
        """Raise `StudioError` if the masks cannot be read, or are other ones."""
        labels = self.image.label_sets.get(self._name)
        edit = self.edit.inverse() if self._done else self.edit
        if labels is None or not edit.fits(labels.array):
            raise StepUnfit(
                f"The masks of {self.image.source.name} are not those that "
                f'"{self.text()}" was done on, so it was left out.'
            )

    def needs(self) -> LabelSet | None:
        """Return the masks that were edited."""
        return self.image.label_sets.get(self._name)

    def redo(self) -> None:
        """Write the pixels after the edit."""
        first = self._number is None
        self._done = True
        if first and self._applied:
            self._number = self._session.write_edit(
                self.image, self._name, self.edit, None
            )
        else:
            self._apply(self.edit, self._statuses)
        if not first:
            self._session.reveal_edit(self.image, self._name, self.edit)

    def undo(self) -> None:
        """Write the pixels before the edit."""
        self._done = False
        undone = replace(self.edit.inverse(), operation=f"Undo {self.text()}")
        self._apply(undone, _inverse(self._statuses))
        self._session.reveal_edit(self.image, self._name, undone)

    def _apply(self, edit: LabelEdit, statuses: StatusChanges) -> None:
        self._number = self._session.apply_edit(
            self.image, self._name, edit, self._number, statuses
        )


class StatusStep(UndoStep):
    """Cells of a label set were accepted, rejected or kept for later."""

    def __init__(
        self,
        session: CellStatuses,
        image: ProjectImage,
        name: str,
        changes: StatusChanges,
        text: str,
    ) -> None:
        super().__init__(text)
        self.image = image
        self._session = session
        self._name = name
        self._changes = changes
        self._number: int | None = None

    def redo(self) -> None:
        """Give the cells their new status."""
        if self._number is not None:
            self._session.show_masks(self.image, self._name)
        self._apply(self.text(), self._changes)

    def undo(self) -> None:
        """Give the cells the status that they had before."""
        self._session.show_masks(self.image, self._name)
        self._apply(f"Undo {self.text()}", _inverse(self._changes))

    def _apply(self, text: str, changes: StatusChanges) -> None:
        self._number = self._session.apply_statuses(
            self.image, self._name, text, changes, self._number
        )


def _inverse(changes: StatusChanges) -> StatusChanges:
    return {cell: (after, before) for cell, (before, after) in changes.items()}
