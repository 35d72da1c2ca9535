"""A stroke of the brush: seen at once, one step when it ends."""

from __future__ import annotations

from cellpose_studio.app.masks.editor import MaskEditor
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.masks.edit import LabelEdit, join_edits


class Stroke:
    """Collects the small edits of one gesture on the active masks of an image.

    The pixels change with each; the project and the undo stack get the whole. It
    may end before the gesture does: at an undo, or when other masks come.

    Attributes
    ----------
    image, name
        The label set that it is drawn on.
    """

    def __init__(self, editor: MaskEditor, image: ProjectImage, operation: str) -> None:
        self.image = image
        self.name = image.active
        self._editor = editor
        self._operation = operation
        self._edits: list[LabelEdit] = []
        self.ended = False

    def add(self, edit: LabelEdit) -> None:
        """Change pixels, for now on the screen only."""
        if edit.parts and not self.ended:
            self._edits.append(edit)
            self._editor.draft(self.image, self.name, edit)

    @property
    def edit(self) -> LabelEdit:
        """All that was changed until now."""
        return join_edits(self._operation, self._edits)

    def end(self) -> LabelEdit:
        """Take no more edits; return all that was changed."""
        self.ended = True
        return self.edit

    def take_back(self) -> None:
        """Leave the pixels as they were before."""
        edit = self.end().inverse()
        if edit.parts:
            self._editor.draft(self.image, self.name, edit)
