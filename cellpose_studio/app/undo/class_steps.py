"""The step that changes the list of classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cellpose_studio.app.masks.class_list import ClassList
from cellpose_studio.app.masks.editor import MaskEditor
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.undo.steps import UndoStep
from cellpose_studio.core.provenance.classes.cell_class import (
    NO_KEY,
    CellClass,
    free_name,
)

Change = tuple[CellClass, CellClass]


class ClassListStep(UndoStep):
    """Classes were added, removed, or given another name, colour or key.

    It belongs to the image that was shown, and is forgotten with the session: the
    journal is about masks.

    Parameters
    ----------
    changes
        Each class before and after; one that was added had been removed before.
    """

    def __init__(
        self,
        editor: MaskEditor,
        image: ProjectImage,
        text: str,
        classes: ClassList,
        changes: Sequence[Change],
    ) -> None:
        super().__init__(editor, image, image.active, text, 0)
        self._classes = classes
        self._changes = changes

    def undo(self) -> None:
        """Put back what was changed."""
        self._apply([(after, before) for before, after in self._changes])

    def redo(self) -> None:
        """Change it again."""
        self._apply(self._changes)

    def _apply(self, changes: Sequence[Change]) -> None:
        self._editor.show(self.image, self.name)
        self._classes.put(*(self._changed(*change) for change in changes))

    def _changed(self, before: CellClass, after: CellClass) -> CellClass:
        """Return a class as it is now, with what changed between two states of it.

        On another image the user may have changed the rest of it since, or given its
        name or key to another class.
        """
        now = next(one for one in self._classes.every if one.id == after.id)
        of_step = {one.id for _, one in self._changes}
        others = [one for one in self._classes.present if one.id not in of_step]
        name = after.name if after.name != before.name else now.name
        key = after.key if after.key != before.key else now.key
        return replace(
            now,
            name=free_name(others, name),
            colour=after.colour if after.colour != before.colour else now.colour,
            key=NO_KEY if key in [one.key for one in others] else key,
            removed=after.removed if after.removed != before.removed else now.removed,
        )
