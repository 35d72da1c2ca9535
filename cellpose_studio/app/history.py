"""The undo stack, under either version of Qt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

try:  # Qt 6
    from qtpy.QtGui import QUndoCommand, QUndoStack
except ImportError:  # Qt 5
    from qtpy.QtWidgets import QUndoCommand, QUndoStack

if TYPE_CHECKING:
    from cellpose_studio.app.cell_statuses import CellStatuses, Statuses
    from cellpose_studio.app.session import Entry, Session
    from cellpose_studio.core.edit import LabelEdit
    from cellpose_studio.core.revision import LabelRevision


class History(QUndoStack):
    """What can be undone and redone, on all images that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.indexChanged.connect(self._drop_forgotten)

    def forget(self, entry: Entry) -> None:
        """Leave out the steps on an image that is no longer open."""
        for n in range(self.count()):
            if self.command(n).entry is entry:
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


class HeadSwitch(QUndoCommand):
    """A label set got new masks as a whole: by a run, an import or a threshold.

    It holds revisions, not pixels. Undoing goes back to the image it happened on.
    """

    def __init__(
        self,
        session: Session,
        entry: Entry,
        name: str,
        text: str,
        before: LabelRevision | None,
        after: LabelRevision,
        number: int,
    ) -> None:
        super().__init__(text)
        self.entry = entry
        self._session = session
        self._name = name
        self._before = before
        self._after: LabelRevision | None = after
        self._active_before = entry.active
        self._number = number
        self._first = True

    def redo(self) -> None:
        """Put the new masks in place, and make them the active ones."""
        if self._first:
            # Pushing onto the stack comes here too: a run must not move the user.
            self._session.put_new(self.entry, self._name, self._after)
            self._first = False
            return
        self._before = self._switch(self._after, self.text())
        self._session.choose_labels(self.entry, self._name)
        self._session.show(self.entry.image.key)

    def undo(self) -> None:
        """Put the former masks back, or none."""
        # Edits that came after the new masks were undone before; so what is left now
        # has the pixels of the new masks, whatever number they have meanwhile.
        self._after = self._switch(self._before, f"Undo {self.text()}")
        self._session.choose_labels(self.entry, self._active_before)
        self._session.show(self.entry.image.key)

    def _switch(self, to: LabelRevision | None, text: str) -> LabelRevision | None:
        left, self._number = self._session.switch_head(
            self.entry, self._name, to, text, self._number
        )
        return left


class EditStep(QUndoCommand):
    """Pixels of a label set were changed by hand.

    With ``applied``, they are changed already when the step is made.
    """

    def __init__(
        self,
        session: Session,
        entry: Entry,
        name: str,
        edit: LabelEdit,
        applied: bool = False,
    ) -> None:
        super().__init__(edit.operation)
        self.entry = entry
        self._session = session
        self._name = name
        self._edit = edit
        self._applied = applied
        self._number: int | None = None

    def redo(self) -> None:
        """Write the pixels after the edit."""
        first = self._number is None
        if first and self._applied:
            self._number = self._session.write_edit(
                self.entry, self._name, self._edit, None
            )
        else:
            self._apply(self._edit)
        if not first:
            self._session.show(self.entry.image.key)

    def undo(self) -> None:
        """Write the pixels before the edit."""
        undone = replace(self._edit.inverse(), operation=f"Undo {self.text()}")
        self._apply(undone)
        self._session.show(self.entry.image.key)

    def _apply(self, edit: LabelEdit) -> None:
        self._number = self._session.apply_edit(
            self.entry, self._name, edit, self._number
        )


class StatusStep(QUndoCommand):
    """Cells of a label set were accepted, rejected or kept for later."""

    def __init__(
        self,
        session: CellStatuses,
        entry: Entry,
        name: str,
        statuses: Statuses,
        text: str,
    ) -> None:
        super().__init__(text)
        self.entry = entry
        self._session = session
        self._name = name
        self._statuses = statuses
        self._first = True

    def redo(self) -> None:
        """Give the cells the status that is not theirs at present."""
        first, self._first = self._first, False
        if not first:
            self._session.show(self.entry.image.key)
        self._statuses = self._session.apply_statuses(
            self.entry, self._name, self._statuses
        )

    undo = redo
