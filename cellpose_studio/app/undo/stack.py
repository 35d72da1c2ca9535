"""The undo stack."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from psygnal import Signal

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.undo.steps import UndoStep


@dataclass
class _History:
    """The steps of one image, in their order; the first ``done`` are applied."""

    steps: list[UndoStep] = field(default_factory=list)
    done: int = 0

    def next(self, by: int) -> UndoStep | None:
        at = self.done + min(by, 0)
        return self.steps[at] if 0 <= at < len(self.steps) else None


class UndoStack:
    """What can be undone and redone, image by image.

    Each image has a history of its own: what a user takes back is what was done last
    to the image in sight, however much happened to others since, by a batch for
    example. Whoever makes a step applies it before it is pushed.
    """

    changed = Signal()

    def __init__(self) -> None:
        self._histories: defaultdict[ProjectImage, _History] = defaultdict(_History)

    def __len__(self) -> int:
        """Return how many steps there are on all images, applied or undone."""
        return sum(len(history.steps) for history in self._histories.values())

    def done(self, image: ProjectImage) -> int:
        """Return how many steps are applied on an image."""
        return self._histories[image].done

    def next(self, by: int, image: ProjectImage | None) -> UndoStep | None:
        """Return the step that would be undone (-1) or redone (1); None without."""
        return None if image is None else self._histories[image].next(by)

    def text(self, by: int, image: ProjectImage | None) -> str:
        """Return what would be undone (-1) or redone (1); empty without a step."""
        step = self.next(by, image)
        return step.text if step is not None else ""

    def push(self, step: UndoStep) -> None:
        """Add a step that was just applied, in place of those that were undone."""
        history = self._histories[step.image]
        history.steps[history.done :] = [step]
        history.done += 1
        self.changed.emit()

    def rename(self, image: ProjectImage, old: str, new: str) -> None:
        """Replace the former name of a label set in the steps on it."""
        for step in self._histories[image].steps:
            step.rename(old, new)

    def load(self, steps: Iterable[tuple[UndoStep, bool]]) -> None:
        """Replace all steps; with each comes whether it is applied."""
        self._histories.clear()
        for step, is_applied in steps:
            history = self._histories[step.image]
            history.steps.append(step)
            history.done += is_applied
        self.changed.emit()

    def move(self, by: int, image: ProjectImage) -> None:
        """Undo (-1) or redo (1) the next step of an image, if there is one."""
        step = self.next(by, image)
        if step is not None:
            (step.undo if by < 0 else step.redo)()
            # A step that raises an error keeps its place.
            self._histories[image].done += by
            self.changed.emit()
