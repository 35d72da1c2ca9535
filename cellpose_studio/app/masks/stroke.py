"""A stroke of the brush: seen at once, one step when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellpose_studio.core.masks.edit import LabelEdit, join_edits

if TYPE_CHECKING:
    from cellpose_studio.app.masks.project_image import ProjectImage
    from cellpose_studio.app.session.session import Session


class Stroke:
    """Collects the small edits of one gesture on the active masks of an image.

    The pixels change with each; the project and the undo stack hear of the whole. It
    may end before the gesture does: at an undo, or when other masks come.
    """

    def __init__(self, session: Session, image: ProjectImage, operation: str) -> None:
        self._session = session
        self._image = image
        self._name = image.active
        self._operation = operation
        self._edits: list[LabelEdit] = []
        self.ended = False

    def add(self, edit: LabelEdit) -> None:
        """Change pixels, for now on the screen only."""
        if edit.parts and not self.ended:
            self._edits.append(edit)
            self._session.draft(self._image, self._name, edit)

    @property
    def edit(self) -> LabelEdit:
        """All that was changed until now."""
        return join_edits(self._operation, self._edits)

    def end(self) -> None:
        """Make one step of all that was changed."""
        self.ended = True
        edit = self.edit
        if edit.parts:
            self._session.keep_draft(self._image, self._name, edit)

    def take_back(self) -> None:
        """Leave the pixels as they were before."""
        self.ended = True
        edit = self.edit.inverse()
        if edit.parts:
            self._session.draft(self._image, self._name, edit)
