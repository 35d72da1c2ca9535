"""The step that changes what an image is for in training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from cellpose_studio.app.masks.editor import MaskEditor
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.undo.steps import UndoStep

Value = TypeVar("Value")


class TrainingStep(UndoStep):
    """An image got another role in training, or other crops or regions.

    It is forgotten with the session: the journal is about masks.

    Parameters
    ----------
    before, after
        What was said of the masks.
    put
        Says it again.
    """

    def __init__(
        self,
        editor: MaskEditor,
        image: ProjectImage,
        text: str,
        before: Value,
        after: Value,
        put: Callable[[Value], None],
    ) -> None:
        super().__init__(editor, image, image.active, text, 0)
        self._undo: Callable[[], None] = partial(put, before)
        self._redo: Callable[[], None] = partial(put, after)

    def undo(self) -> None:
        """Put back what was said before."""
        self._editor.show(self.image, self.name)
        self._undo()

    def redo(self) -> None:
        """Say it again."""
        self._editor.show(self.image, self.name)
        self._redo()
