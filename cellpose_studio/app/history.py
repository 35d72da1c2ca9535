"""The undo stack, under either version of Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

try:  # Qt 6
    from qtpy.QtGui import QUndoCommand, QUndoStack
except ImportError:  # Qt 5
    from qtpy.QtWidgets import QUndoCommand, QUndoStack

if TYPE_CHECKING:
    from cellpose_studio.app.session import Entry, LabelSet, Session


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

    Undoing goes back to the image it happened on. Steps of one ``gesture`` on one
    label set are one step: what a slider passes on its way is not worth undoing.
    """

    def __init__(
        self,
        session: Session,
        entry: Entry,
        after: LabelSet,
        text: str,
        gesture: int | None = None,
    ) -> None:
        super().__init__(text)
        self.entry = entry
        self._session = session
        self._before = entry.label_sets.get(after.name)
        self._active_before = entry.active
        self._after = after
        self._gesture = gesture
        self._first = True

    def id(self) -> int:
        """Tell Qt which steps may be merged: those of a gesture."""
        return -1 if self._gesture is None else 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take a later step of the same gesture in."""
        if not isinstance(other, HeadSwitch) or other._what() != self._what():
            return False
        self._after = other._after
        return True

    def redo(self) -> None:
        """Put the new masks in place, and make them the active ones."""
        self._put(self._after, active=self._after.name)
        # Pushing onto the stack comes here too: a run must not move the user.
        if not self._first:
            self._session.show(self.entry.image.key)
        self._first = False

    def undo(self) -> None:
        """Put the former masks back, or none."""
        self._put(self._before, active=self._active_before)
        self._session.show(self.entry.image.key)

    def _put(self, labels: LabelSet | None, active: str) -> None:
        self.entry.active = active
        self._session.put(self.entry.image.key, self._after.name, labels)

    def _what(self) -> tuple[Entry, str, int | None]:
        return self.entry, self._after.name, self._gesture
