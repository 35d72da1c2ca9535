"""Undo steps rebuilt from the journal of an earlier session."""

from __future__ import annotations

from collections.abc import Iterable

from cellpose_studio.app.masks.editor import MaskEditor
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.undo.steps import CellsStep, EditStep, HeadSwitch, UndoStep
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.io.project.tables.undo_steps import JournalStep, read_edit


class JournalEditStep(EditStep):
    """An edit that is in the journal; its pixels are read before it is undone."""

    def __init__(
        self,
        editor: MaskEditor,
        image: ProjectImage,
        name: str,
        project: Project,
        step: JournalStep,
    ) -> None:
        entry = step.entry
        super().__init__(
            editor,
            image,
            name,
            entry.operation,
            step.number,
            edit=None,
            changes=entry.changes,
        )
        self._project = project
        self._entry = entry.id

    @property
    def edit(self) -> LabelEdit:
        """What it does when it is done; raises `ProjectDamaged`."""
        if self._edit is None:
            self._edit = self._project.read(lambda db: read_edit(db, self._entry))
        return self._edit

    @property
    def is_read(self) -> bool:
        """Its pixels are in memory."""
        return self._edit is not None

    def read(self) -> None:
        """Read its pixels, from any thread; raises `ProjectDamaged`."""
        _ = self.edit


def rebuild(
    editor: MaskEditor,
    project: Project,
    images: Iterable[ProjectImage],
    steps: Iterable[JournalStep],
) -> list[tuple[UndoStep, bool]]:
    """Return the steps of a project, and whether each is applied.

    Parameters
    ----------
    images
        Steps on others are left out.
    steps
        As `read_steps` gives them.
    """
    places = {
        number: (image, name)
        for image in images
        for name, number in image.label_set_ids.items()
    }
    return [
        (_step(editor, project, *place, step), step.is_done)
        for step in steps
        if (place := places.get(step.entry.label_set)) is not None
    ]


def _step(
    editor: MaskEditor,
    project: Project,
    image: ProjectImage,
    name: str,
    step: JournalStep,
) -> UndoStep:
    entry = step.entry
    of_it = (editor, image, name, entry.operation, step.number)
    if entry.changes is not None and entry.of_cells:
        return CellsStep(*of_it, changes=entry.changes)
    if not entry.of_masks:
        return JournalEditStep(editor, image, name, project, step)
    return HeadSwitch(
        *of_it,
        before=step.before,
        after=step.after,
        # The journal does not record which label set was active.
        active_before=name,
        changes=entry.changes,
    )
