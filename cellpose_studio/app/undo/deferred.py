"""Undoes and redoes steps, also those that have to be read from the project first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.undo.stack import UndoStack
from cellpose_studio.app.undo.steps import UndoStep


class StepLoader(Protocol):
    """Brings what a step needs into memory, and calls back on the GUI thread."""

    def load_step(self, step: UndoStep, then: Callable[[bool], None]) -> None:
        """Read what a step does; call ``then`` with whether it is in memory."""

    def load_masks(
        self, image: ProjectImage, masks: LabelSet, then: Callable[[bool], None]
    ) -> None:
        """Read masks; call ``then`` with whether they can be used."""

    def draw_masks(
        self, image: ProjectImage, masks: LabelSet, then: Callable[[bool], None]
    ) -> None:
        """Draw masks that are about to be shown; call ``then``."""


@dataclass(eq=False)
class _Request:
    """A step that is undone or redone as soon as it can be.

    Attributes
    ----------
    by
        -1 to undo, 1 to redo.
    index
        How many steps were applied on its image when it was asked for.
    more
        What was asked for while it was read, in that order.
    """

    by: int
    step: UndoStep
    index: int
    more: list[int] = field(default_factory=list)


class DeferredUndo:
    """Undoes and redoes on the image shown, as often as the user asks, in that order.

    Reading a step, or its masks, takes a moment: what is asked for meanwhile waits
    until that is done. If the user does something else meanwhile, or goes to another
    image, that wins: all waiting requests are dropped.

    Attributes
    ----------
    loader
        Reads what is not in memory; without one, the step reads it when it runs.

    Parameters
    ----------
    shown
        Returns the image shown, None without one.
    is_possible
        Returns whether a step can be undone (-1) or redone (1), and reports why not.
    is_busy
        Returns whether the user is in the middle of something else.
    """

    def __init__(
        self,
        stack: UndoStack,
        shown: Callable[[], ProjectImage | None],
        is_possible: Callable[[UndoStep, int], bool],
        is_busy: Callable[[], bool],
    ) -> None:
        self.loader: StepLoader | None = None
        self._stack = stack
        self._shown = shown
        self._is_possible = is_possible
        self._is_busy = is_busy
        self._request: _Request | None = None

    def ask(self, by: int) -> None:
        """Undo what came last (-1) on the image shown, or do it again (1)."""
        if self._request is not None and self._is_valid(self._request):
            self._request.more.append(by)
            return
        self._request = None
        step = self._stack.next(by, self._shown())
        if step is not None:
            self._request = _Request(by, step, self._stack.done(step.image))
            self._read(self._request)

    def _read(self, request: _Request) -> None:
        if request.step.is_read or self.loader is None:
            self._read_masks(request)
        else:
            self.loader.load_step(request.step, self._next(request, self._read_masks))

    def _read_masks(self, request: _Request) -> None:
        if not self._is_valid(request):
            self._drop(request)
            return
        masks = request.step.needs()
        if masks is None or masks.pixels.loaded or self.loader is None:
            self._draw(request)
        else:
            then = self._next(request, self._draw)
            self.loader.load_masks(request.step.image, masks, then)

    def _draw(self, request: _Request) -> None:
        masks = request.step.brings(request.by)
        if masks is None or self.loader is None:
            self._move(request)
        else:
            then = self._next(request, self._move)
            self.loader.draw_masks(request.step.image, masks, then)

    def _next(
        self, request: _Request, go_on: Callable[[_Request], None]
    ) -> Callable[[bool], None]:
        """Return what to do when something was read, or could not be."""
        return lambda read: (go_on if read else self._drop)(request)

    def _move(self, request: _Request) -> None:
        is_valid = self._is_valid(request)
        # It is dropped before the step runs, because listeners may ask for another one.
        self._drop(request)
        if is_valid and self._is_possible(request.step, request.by):
            self._stack.move(request.by, request.step.image)
            for by in request.more:
                self.ask(by)

    def _drop(self, request: _Request) -> None:
        if request is self._request:
            self._request = None

    def _is_valid(self, request: _Request) -> bool:
        """Return whether nothing else has happened since it was asked for."""
        image = request.step.image
        return (
            request is self._request
            and self._shown() is image
            and self._stack.done(image) == request.index
            and self._stack.next(request.by, image) is request.step
            and not self._is_busy()
        )
