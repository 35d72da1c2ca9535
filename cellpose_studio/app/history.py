"""The undo stack, under either version of Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

try:  # Qt 6
    from qtpy.QtGui import QUndoCommand, QUndoStack
except ImportError:  # Qt 5
    from qtpy.QtWidgets import QUndoCommand, QUndoStack

if TYPE_CHECKING:
    from cellpose_studio.app.session import LabelSet, Session

__all__ = ["HeadSwitch", "QUndoStack"]


class HeadSwitch(QUndoCommand):
    """A label set got new masks as a whole: by a run, an import or a threshold.

    Undoing goes back to the image it happened on. Steps of one ``gesture`` on one
    label set are one step: what a slider passes on its way is not worth undoing.
    """

    def __init__(
        self,
        session: Session,
        key: str,
        before: LabelSet | None,
        after: LabelSet,
        text: str,
        gesture: int | None = None,
    ) -> None:
        super().__init__(text)
        self._session, self._key = session, key
        self._before, self._after = before, after
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
        """Put the new masks in place."""
        self._session.put(self._key, self._after.name, self._after)
        # Pushing onto the stack comes here too: a run must not move the user.
        if not self._first:
            self._session.show(self._key)
        self._first = False

    def undo(self) -> None:
        """Put the former masks back, or none."""
        self._session.put(self._key, self._after.name, self._before)
        self._session.show(self._key)

    def _what(self) -> tuple[str, str, int | None]:
        return self._key, self._after.name, self._gesture
