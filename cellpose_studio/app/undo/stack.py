"""The undo stack."""

from __future__ import annotations

from collections.abc import Sequence

from psygnal import Signal

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.undo.steps import UndoStep


class UndoStack:
    """What can be undone and redone, on all images that are open.

    Steps are in the order in which they were made, and the first `done` of them are
    applied. Whoever makes a step applies it before it is pushed.
    """

    changed = Signal()

    def __init__(self) -> None:
        self._steps: list[UndoStep] = []
        self._done = 0

    def __len__(self) -> int:
        """Return how many steps there are, applied or undone."""
        return len(self._steps)

    @property
    def done(self) -> int:
        """How many steps are applied."""
        return self._done

    def next(self, by: int) -> UndoStep | None:
        """Return the step that would be undone (-1) or redone (1); None without."""
        at = self._done + min(by, 0)
        return self._steps[at] if 0 <= at < len(self._steps) else None

    def text(self, by: int) -> str:
        """Return what would be undone (-1) or redone (1); empty without a step."""
        step = self.next(by)
        return step.text if step is not None else ""

    def push(self, step: UndoStep) -> None:
        """Add a step that was just applied, in place of those that were undone."""
        self._set([*self._steps[: self._done], step], self._done + 1)

    def load(self, steps: Sequence[UndoStep], done: int) -> None:
        """Replace all steps; the first ``done`` are applied."""
        self._set(list(steps), done)

    def clear(self) -> None:
        """Forget all steps."""
        self._set([], 0)

    def move(self, by: int) -> None:
        """Undo (-1) or redo (1) the next step, if there is one."""
        step = self.next(by)
        if step is not None:
            (step.undo if by < 0 else step.redo)()
            # A step that raises an error keeps its place.
            self._set(self._steps, self._done + by)

    def forget(self, image: ProjectImage) -> None:
        """Remove the steps on an image that is no longer open."""
        done = sum(step.image is not image for step in self._steps[: self._done])
        self._set([step for step in self._steps if step.image is not image], done)

    def _set(self, steps: list[UndoStep], done: int) -> None:
        self._steps, self._done = steps, done
        self.changed.emit()
