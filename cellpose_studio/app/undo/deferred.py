"""Undoes and redoes steps, also those that have to be read from the project first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cellpose_studio.app.project.project import Project
from cellpose_studio.app.undo.stack import UndoStep

if TYPE_CHECKING:
    from cellpose_studio.app.session.session import Session


@dataclass(eq=False, kw_only=True)
class _Turn:
    """A step that is undone or redone as soon as it can be.

    Attributes
    ----------
    by
        -1 to undo, 1 to redo.
    more
        What was asked for while it was read, in that order.
    """

    by: int
    step: UndoStep
    project: Project
    index: int
    more: list[int] = field(default_factory=list)


class DeferredUndo:
    """Undoes and redoes as often as the user asks, in that order.

    Reading a step, or its masks, takes a moment: what is asked for meanwhile waits for
    its turn. If the user does something else meanwhile, that wins: all that waits is
    given up.

    Parameters
    ----------
    possible
        Tells whether a step can be done, and the user why not.
    """

    def __init__(self, session: Session, possible: Callable[[UndoStep], bool]) -> None:
        self._session = session
        self._possible = possible
        self._turn: _Turn | None = None

    def ask(self, by: int) -> None:
        """Undo what came last (-1), or do again what was undone last (1)."""
        if self._turn is not None and self._holds(self._turn):
            self._turn.more.append(by)
            return
        self._turn = None
        stack = self._session.undo_stack
        step = stack.command(stack.index() + min(by, 0))
        if step is not None:
            self._turn = _Turn(
                by=by, step=step, project=self._session.project, index=stack.index()
            )
            self._read(self._turn)

    def _read(self, turn: _Turn) -> None:
        needed = self._session.step_requested
        if turn.step.is_read or not len(needed):
            self._read_masks(turn)
            return
        needed.emit(turn.step, self._next(turn, self._read_masks))

    def _read_masks(self, turn: _Turn) -> None:
        if not self._holds(turn):
            self._give_up(turn)
            return
        labels, needed = turn.step.needs(), self._session.masks_requested
        if labels is None or labels.pixels.loaded or not len(needed):
            self._go(turn)
            return
        needed.emit(turn.step.image, labels, self._next(turn, self._go))

    def _next(
        self, turn: _Turn, go_on: Callable[[_Turn], None]
    ) -> Callable[[bool], None]:
        """Return what to do when something was read, or could not be."""
        return lambda read: (go_on if read else self._give_up)(turn)

    def _go(self, turn: _Turn) -> None:
        holds = self._holds(turn)
        self._give_up(turn)
        if not holds or not self._possible(turn.step):
            return
        stack = self._session.undo_stack
        (stack.undo if turn.by < 0 else stack.redo)()
        for by in turn.more:
            self.ask(by)

    def _give_up(self, turn: _Turn) -> None:
        if turn is self._turn:
            self._turn = None

    def _holds(self, turn: _Turn) -> bool:
        """Tell whether nothing else has happened since it was asked for."""
        session, stack = self._session, self._session.undo_stack
        return (
            turn is self._turn
            and session.project is turn.project
            and stack.index() == turn.index
            and stack.command(turn.index + min(turn.by, 0)) is turn.step
            and not session.drawing
            and all(image.preview_of is None for image in session.images)
        )
